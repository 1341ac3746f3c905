/** The outbox: what was kept here instead of leaving this machine. */

import { el, facts, hint, items, mapped, part, said, small, time } from "./elements.js";
import { ROWS, address, call, pages, personLink, place, to } from "./server.js";

const letters = new Map(); // messages, by send id

/** One page of the outbox, and the message that is asked for. */
async function load({ id, query: { after } }) {
  const list = await call(address("/local/outbox", { limit: ROWS, after }));
  if (id && !letters.has(id)) letters.set(id, await call(`/local/outbox/${encodeURIComponent(id)}`));
  return { list, message: letters.get(id) };
}

function showList({ messages, next }) {
  const { id, query: { after } } = place.route;
  const line = ({ send_id, channel, to: receiver, time: sent, subject, text }) =>
    el("a", { href: to("outbox", send_id, { after }), "aria-current": send_id === id || null },
      el("span", {}, receiver), small(channelName(channel), " · ", time(sent)), el("strong", {}, subject || text));
  return [items(messages.map(line)) || hint("no-messages"), pages(next)];
}

function showMessage(message) {
  if (!message) return hint("no-choice");
  const { channel, subject, text, links = {} } = message;
  const link = (url) => el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, url);
  return [
    el("a.back", { href: to("outbox", "", { after: place.route.query.after }) }, "← All messages"),
    el("h2", {}, subject || "Text message"),
    facts([["To", message.to], ["Person", personLink(message)], ["Sent", time(message.time)]]),
    channel === "email" ? mail(message) : el("p.bubble", {}, text),
    part("Where its links lead", facts(mapped(links, link))),
  ];
}

/** An e-mail. Its frame can run nothing, and its links open in windows of their own. */
function mail({ send_id, subject, to: receiver, time: sent, text, headers }) {
  const frame = {
    src: `/local/outbox/${encodeURIComponent(send_id)}/view`, title: subject || "E-mail",
    sandbox: "allow-popups allow-popups-to-escape-sandbox", referrerpolicy: "no-referrer",
  };
  const all = { Subject: subject, To: receiver, Date: sent, ...headers, "Send id": send_id };
  const more = (name, content) => el("details.sheet", { "data-key": name }, el("summary", {}, name), content);
  return [
    el("iframe", frame),
    more("Plain text", el("pre", {}, text || "This message has no plain-text part.")),
    more("Headers", facts(mapped(all, said))),
  ];
}

export const channelName = (channel) => ({ sms: "SMS", email: "e-mail" })[channel] ?? channel;
export const outbox = [load, { list: showList, message: showMessage }];
