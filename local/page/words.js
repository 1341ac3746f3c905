/** What an event says, in words. */

import { money } from "./elements.js";

const quoted = (text, otherwise = "") => (text ? `“${text}”` : otherwise);
const points = (score) => Number.isFinite(score) && `${Math.round(score)} points`;
const joined = (...words) => words.flat().filter((word) => word && typeof word !== "object").join(" · ");
const amount = ({ total, revenue, value, currency }) => {
  const worth = total ?? revenue ?? value;
  return worth != null && typeof worth !== "object" && money(worth, currency);
};
const products = (known) =>
  [known.products ?? known].flat().map((product) => product?.name ?? product?.sku ?? product?.product_id);
const stage = ({ model, title, stage: name, before }) =>
  [`Became ${quoted(title || name, "none of the stages")}`, joined(model, before && `was ${before}`)];
const deal = (says) => (known) => [says, joined(quoted(known.title), amount(known), known.by && `by ${known.by}`)];
const talk = (says) => ({ outcome, by }) => [says, joined(outcome, by && `by ${by}`)];
const task = (says) => ({ text, owner, outcome, reason, by }) =>
  [says, joined(quoted(text), owner, outcome, reason, by && `by ${by}`)];
const order = (says) => (known) => [says, joined(amount(known), products(known), known.order_id)];
const mail = (says) => (known) => [`${says} ${quoted(known.email_subject || known.message, "a message")}`,
  joined(known.link_id && `link ${known.link_id}`, known.journey)];
const account = (says) => (known) => [`${says} ${quoted(known.account?.name || known.account_id, "a company")}`];

/** What each of the events that we know says: its properties -> [in a sentence, more]. */
const KNOWN = {
  "Order Completed": order("Ordered"),
  "Order Refunded": order("Sent back, or got money back"),
  "Order Cancelled": order("Cancelled an order"),
  "Product Viewed": (known) => ["Looked at a product", joined(products(known), amount(known))],
  "Product Added": (known) => ["Put into the cart", joined(products(known), amount(known))],
  "Product Removed": (known) => ["Took out of the cart", joined(products(known))],
  "Checkout Started": order("Went to the checkout"),
  "Products Searched": ({ query }) => [`Searched for ${quoted(query, "something")}`],
  "Email Sent": mail("Was sent"),
  "Email Delivered": mail("Received"),
  "Email Opened": mail("Opened"),
  "Email Link Clicked": mail("Clicked in"),
  "Email Opened by Robot": mail("A program, not the person, opened"),
  "Email Link Clicked by Robot": mail("A program, not the person, clicked in"),
  "SMS Link Clicked": mail("Clicked in the text message"),
  "SMS Link Clicked by Robot": mail("A program, not the person, clicked in the text message"),
  "Asset Downloaded": ({ asset, message }) => [`Downloaded ${quoted(asset, "something")}`, joined(message)],
  "Asset Downloaded by Robot": ({ asset }) => [`A program, not the person, downloaded ${quoted(asset, "something")}`],
  "Email Bounced": mail("Did not get, it bounced:"),
  "Email Marked as Spam": mail("Marked as spam:"),
  "Email Delayed": mail("Did not get yet, their provider holds it back:"),
  "Email Rejected": mail("Did not get, our provider rejected it:"),
  "Address Suppressed": ({ channel, reason }) => [`Gets nothing by ${channel ?? "any channel"} any more`, joined(reason)],
  "Suppression Lifted": ({ channel, because }) => [`May be written to by ${channel ?? "any channel"} again`, joined(because)],
  "SMS Sent": mail("Was sent a text message:"),
  "SMS Delivered": mail("Received a text message:"),
  "SMS Bounced": mail("Did not get a text message:"),
  Unsubscribed: mail("Unsubscribed from"),
  "Consent Given": ({ channel, purposes = [] }) => [`Permits ${channel ?? "messages"}`, [purposes].flat().join(", ")],
  "Consent Withdrawn": ({ channel, purposes = [] }) => [`Does not permit ${channel ?? "messages"} any more`, [purposes].flat().join(", ")],
  "Preferences Changed": ({ how_often, paused_until }) => [
    "Chose how often to hear from us", joined(how_often || "as it comes", paused_until && `a pause until ${paused_until.slice(0, 10)}`),
  ],
  "SMS Received": ({ text }) => [`Wrote a text message: ${quoted(text, "?")}`],
  "Consent Requested": ({ channel, purposes = [] }) => [`Signed up for ${channel ?? "messages"}`, [purposes].flat().join(", ")],
  "Subscription Confirmed": ({ channel, purposes = [] }) => [`Confirmed the sign-up for ${channel ?? "messages"}`, [purposes].flat().join(", ")],
  "Sign-Up Expired": ({ channel }) => [`Never confirmed the sign-up for ${channel ?? "messages"}`],
  "Stage Changed": stage,
  "Segment Entered": ({ title, segment }) => [`Came to the segment ${quoted(title || segment, "?")}`],
  "Segment Left": ({ title, segment }) => [`Left the segment ${quoted(title || segment, "?")}`],
  "Score Reached": ({ threshold, score }) => [`The score reached ${quoted(threshold, "?")}`, joined(points(score))],
  "Score Fell": ({ threshold, score }) => [`The score fell below ${quoted(threshold, "?")}`, joined(points(score))],
  "Score Added": (known) => [`Got ${points(known.points) || "points"} by hand`, joined(known.note)],
  "Code Issued": ({ code_name, code }) => [`Got a code: ${code ?? ""}`, joined(code_name)],
  "Code Redeemed": ({ code_name, code, order_id }) => [`Used the code ${code ?? ""}`, joined(code_name, order_id)],
  "Message Sent": ({ message, journey }) => [`Was sent ${quoted(message, "a message")}`, joined(journey)],
  "Call Logged": talk("A call"),
  "Meeting Held": talk("A meeting"),
  "Visit Held": talk("A visit"),
  "Email Answered": talk("An e-mail to or from us"),
  "Contact Attempted": talk("We tried to reach them"),
  "Task Created": task("A task"),
  "Task Completed": task("A task is done"),
  "Task Reopened": task("A task is open again"),
  "Task Reassigned": task("A task was given to somebody else"),
  "Lead Handed Over": task("Was handed over to sales"),
  "Lead Accepted": task("Sales took them on"),
  "Lead Rejected": task("Sales turned the lead down"),
  "Lead Won": task("The lead was won"),
  "Lead Lost": task("The lead was lost"),
  "Deal Created": deal("A deal began"),
  "Deal Stage Changed": deal("A deal went on"),
  "Deal Won": deal("A deal was won"),
  "Deal Lost": deal("A deal was lost"),
  "Offer Sent": deal("An offer went out"),
  "Offer Signed": deal("An offer was signed"),
  "Referral Won": (known) => ["Won a customer by referral", joined(money(known.amount ?? 0, known.currency))],
  "Fell Asleep": () => ["Has not opened, clicked or ordered for long: marketing waits"],
  "Referral Lost": (known) => ["A customer won by referral does not count any more", joined(money(known.amount ?? 0, known.currency))],
  "Account Joined": account("Belongs to"),
  "Account Changed": account("News of"),
  "Account Left": account("Left"),
};

/** What we found out ourselves: nobody did anything. */
const OURS = new Set(["Code Issued", "Sign-Up Expired", "Stage Changed", "Segment Entered", "Segment Left", "Score Reached", "Score Fell",
  "Message Sent", "Email Sent", "Email Delivered", "SMS Sent", "SMS Delivered", "Task Created", "Account Joined", "Account Changed",
  "Referral Won", "Referral Lost", "Fell Asleep"]);

/** An event as [in a sentence, more, whether it is ours]. */
export function inWords({ type, event, properties, traits }) {
  const known = Object.hasOwn(KNOWN, event) && KNOWN[event];
  if (known) return [...known(properties), ""].slice(0, 2).concat(OURS.has(event));
  if (type === "identify") return ["Told us about themselves", Object.keys(traits).join(", "), false];
  if (type === "group") return ["Told us about the company", Object.keys(traits).join(", "), false];
  const where = properties.title ?? properties.path ?? properties.url;
  if (type === "page" || type === "screen") return [`Looked at ${quoted(where || event, "a page")}`, "", false];
  const more = [where, properties.query, properties.order_id, amount(properties), products(properties),
    properties.link_id, properties.reason];
  return [event || type, joined(more), false];
}
