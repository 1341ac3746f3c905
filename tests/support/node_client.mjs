// Sends one call of each kind with Segment's stock Node client, as a shop's server would.
// usage: node node_client.mjs URL WRITE_KEY; prints one JSON line {"ids": {type: messageId}, "errors": [...]}
import { Analytics } from '@segment/analytics-node'

const [host, writeKey] = process.argv.slice(2)
const analytics = new Analytics({ host, writeKey, maxRetries: 3 })
const ids = {}
const errors = []
analytics.on('error', (error) => errors.push(String(error.reason ?? error.code)))

const sent = (context) => context && (ids[context.event.type] = context.event.messageId)
const done = (error, context) => sent(context)

analytics.identify({ userId: 'node-user', traits: { email: 'node@example.org', plan: 'pro' } }, done)
analytics.track(
  {
    userId: 'node-user',
    event: 'Order Completed',
    properties: { order_id: 'o-1', total: 12.5, products: [{ sku: 'basic-1y', quantity: 1 }] },
    timestamp: new Date('2020-05-04T03:02:01.000Z'),
  },
  done,
)
analytics.page({ anonymousId: 'node-visitor', name: 'Home', properties: { path: '/' } }, done)
analytics.screen({ anonymousId: 'node-visitor', name: 'Start' }, done)
analytics.group({ userId: 'node-user', groupId: 'acme', traits: { industry: 'shoes' } }, done)
analytics.alias({ userId: 'node-user', previousId: 'node-visitor' }, done)

await analytics.closeAndFlush()
console.log(JSON.stringify({ ids, errors }))
