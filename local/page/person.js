/** A person as a colleague wants to see them: who, what is next, what happened, what they got, why. */

import { badge, bar, el, facts, items, mapped, money, part, plural, revenue, said, small, table, time } from "./elements.js";
import { RUN_COLUMNS } from "./journeys.js";
import { channelName } from "./outbox.js";
import { address, call, callIfThere, isLate, journeyLink, journeys, nameOf, pages, titleOf, to } from "./server.js";
import { inWords } from "./words.js";

const FULL_SCORE = 100; // points of a full bar
const EVENTS = 25; // of the timeline at a time
const ISO = /^\d{4}-\d\d-\d\dT/;

async function load({ id, query: { after } }) {
  const path = `/api/people/${encodeURIComponent(id)}`;
  const said = { in: "en" };
  const [person, brief, { stages }, score, { tasks }, { deals }, { notes }, { merges }, { segments }, hints, referral, { codes },
    { runs }, { messages }, timeline] = await Promise.all([
    call(path), call(address(`${path}/brief`, said)), call(address(`${path}/stages`, said)),
    call(address(`${path}/score`, said)), call(`/api/tasks/${encodeURIComponent(id)}`), call(`${path}/deals`),
    call(`${path}/notes`), call(address(`${path}/merges`, said)), call(address("/api/segments", said)),
    callIfThere(address(`${path}/hints`, said), {}), callIfThere(address(`${path}/referral`, said), { says: [] }),
    callIfThere(`${path}/codes`, { codes: [] }),
    call(address("/api/runs", { person: id })), call(address("/api/messages", { person: id })),
    call(address(`${path}/timeline`, { limit: EVENTS, after })), journeys(),
  ]);
  for (const task of tasks) task.late = isLate(task);
  const titles = Object.fromEntries(segments.map(({ name, title }) => [name, title]));
  return {
    head: { person, brief, stages, score, titles, referral },
    next: { brief, tasks, deals, hints, codes, runs: await underWay(path, runs) },
    who: { person, notes, merges, tasks, deals },
    runs, messages, timeline,
  };
}

/** The runs under way, each with the step where it stands (`at`). */
async function underWay(path, runs) {
  const open = runs.filter(({ status }) => status === "open");
  const told = [...new Set(open.map(({ journey }) => journey))].map((journey) =>
    call(address(`${path}/journeys/${encodeURIComponent(journey)}/why`, { in: "en" })));
  const stations = Object.fromEntries((await Promise.all(told)).flatMap((why) => why.runs)
    .map((one) => [one.run, one.stations.at(-1)]));
  return open.map((run) => ({ ...run, at: stations[run.id] }));
}

// ---- who ---------------------------------------------------------------------------------------

function showHead({ person, brief, stages, score, titles, referral }) {
  document.title = `${nameOf(person)} · Tante`;
  const { computed, companies } = person;
  const roles = ({ name, id, role, buying_role: buying }) => [role, name || id, buying && `(${buying})`].filter(Boolean);
  const works = companies.length ? companies.map((one) => roles(one).join(", ").replace(", (", " (")).join("; ") : brief.company;
  const place = [computed.city, computed.country].filter(Boolean).join(", ");
  const figure = ([name, ...value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value.some(Boolean) ? value : "–"));
  const move = ({ time: at, title, stage: name, because }) => [title || name || "no stage", small(time(at), `: ${because}`)];
  const stage = ({ model, stage: name, title, phase, since, history }) =>
    [`Stage: ${model}`, el("details", { "data-key": model }, el("summary", {}, title || name || "none yet"), items(history.map(move))),
      small(phase, phase && since && ", ", since && ["since ", time(since)])];
  const figures = [...stages.map(stage), ["Score", showScore(score)], ["Owner", brief.owner || "nobody yet"],
    ["Bought", revenue(person), small(plural(person.orders, "order"))],
    ["Lifetime value", ...worth(person.lifetime_value)],
    ["Last seen", time(person.last_seen), small("known since ", time(person.first_seen))]];
  return [
    el("h1", {}, nameOf(person)),
    el("p.contact", {}, works && el("span", {}, works),
      person.email && el("a", { href: `mailto:${encodeURIComponent(person.email)}` }, person.email),
      person.phone && el("a", { href: `tel:${person.phone.replace(/[^+\d]/g, "")}` }, person.phone),
      place && el("span", {}, place), computed.device && el("span", {}, `on ${computed.device}`),
      person.locale && el("span", {}, `speaks ${person.locale}`),
      mapped(person.suppressed, String).map(([channel, why]) => badge(`suppressed, no ${channel}: ${why}`, "bad"))),
    el("dl.figures", {}, figures.map(figure)),
    referral.says.length > 0 && el("p", {}, small(referral.says.join(" "))),
    showSegments(person.segments, titles),
  ];
}

/** What came in and what is expected; nothing where nothing is foretold. */
const worth = ({ total, expected, currency, horizon }) => expected === null ? []
  : [money(total, currency), small(`of it ${money(expected, currency)} expected in ${horizon} days`)];

/** The score as a bar; its reasons open below it. */
function showScore({ score, reached, falls, parts }) {
  const counting = parts.filter(({ points }) => points);
  const reason = ({ points, title, says }) => el("li", {}, el("strong", {}, `${points > 0 ? "+" : ""}${Math.round(points)}`),
    ` ${title}`, small(says));
  const why = counting.length ? el("ul", {}, counting.map(reason)) : small("No rule gives points so far.");
  return [el("details.score", { "data-key": "score" },
    el("summary", {}, `${score} `, reached.map((name) => badge(name, "good")), bar(score, FULL_SCORE)),
    why, falls && small(`without anything new, “${reached.at(-1)}” ends on `, time(falls)))];
}

function showSegments(segments, titles) {
  const chips = Object.entries(segments).map(([name, since]) => el("a.badge", { href: to("people", "", { segment: name }),
    title: `since ${since.slice(0, 10)}` }, titles[name] || name));
  return el("p.chips", {}, el("span", {}, "Segments:"), chips.length ? chips : small("in none"));
}

// ---- what next ---------------------------------------------------------------------------------

function showNext({ brief, tasks, deals, runs, hints, codes }) {
  const open = tasks.filter(({ status }) => status === "open");
  const going = deals.filter(({ stage }) => !["won", "lost"].includes(stage));
  const task = ({ text, owner, why_owner: why, due, late, reason, journey }) => [el("strong", {}, text), " ",
    due && badge(late ? "late" : "open", late ? "bad" : "wait"),
    small(owner, why && ` (${why})`, due && [", due ", time(due)]), small(reason || (journey && `from ${titleOf(journey)}`))];
  const deal = ({ title, stage, since, value, currency, expected, owner, missing }) => [el("strong", {}, title), " ", badge(stage, "wait"),
    small(money(value, currency), `, in this stage since `, time(since), expected && `, should close on ${expected}`, owner && `, ${owner}`),
    missing.length > 0 && small(`to find out: ${missing.join(", ")}`)];
  const run = (one) => [journeyLink(one), " ", badge("under way", "wait"),
    small(one.at ? `${one.at.says}: ${one.at.came}` : one.waits_for || "is at work"), small("since ", time(one.entered))];
  const todo = brief.parts.find(({ says, title }) => title === "Next" && says)?.says ?? [];
  const others = todo.filter((line) => !open.some(({ text }) => line.startsWith(text)));
  const hint = (one) => [el("strong", {}, one.name || one.sku), one.price != null && ` ${money(one.price, one.currency)}`, small(one.why)];
  const code = (one) => [el("strong", {}, one.code), " ", badge(one.state, one.state === "open" ? "wait" : "plain"),
    small(one.name, one.order_id && `, with order ${one.order_id}`, one.expires && [", until ", time(one.expires)])];
  const ideas = Object.values(hints).filter(Array.isArray).flat();
  return part("What next", el("div.next", {},
    el("div", {}, part("To do", items([...open.map(task), ...others])) || null),
    el("div", {}, part("Deals", items(going.map(deal)) || small("No open deal."))),
    el("div", {}, part("Journeys under way", items(runs.map(run)) || small("None waits for anything."))),
    codes.length > 0 && el("div", {}, part("Codes", items(codes.map(code)))),
    ideas.length > 0 && el("div", {}, part("Might like", items(ideas.map(hint))))));
}

// ---- what happened -----------------------------------------------------------------------------

function showTimeline({ events, next }) {
  const line = (event) => {
    const [says, more, isOurs] = inWords(event);
    return el(isOurs ? "li.ours" : "li", {}, el("details", { "data-key": event.message_id },
      el("summary", {}, time(event.time), el("strong", {}, says), el("span", {}, more)),
      el("pre", {}, JSON.stringify(event, null, 2))));
  };
  const lines = events.length ? el("ol.timeline", {}, events.map(line)) : small("Nothing so far.");
  return part("What happened", lines, pages(next));
}

// ---- what they were sent, and why --------------------------------------------------------------

function showMessages(messages) {
  const why = ({ person, journey }) => el("a", { href: to("why", person, { journey }) }, "why");
  const columns = [
    ["Message", messageLink, "first"],
    ["From", (one) => [journeyLink(one), small(one.purpose)]],
    ["State", ({ state, reason }) => [badge(state, STATES[state]), small(reason)]],
    ["When", ({ claimed, held_out: heldOut }) => time(claimed ?? heldOut)],
    ["Reactions", reactions],
    ["Reason", why],
  ];
  const none = small("No journey wanted to send anything yet.");
  return part("What they were sent", messages.length ? table("Newest first", columns, messages) : none);
}

const STATES = { sent: "good", failed: "bad", "not sent": "bad", held: "wait", unknown: "wait" };

/** The message's subject; where it went out, a link to the outbox. */
function messageLink({ subject, message, channel, send_id, state }) {
  const out = ["sent", "unknown"].includes(state);
  const text = subject || message;
  const link = out ? el("a", { href: to("outbox", send_id) }, text) : text;
  return [link, small(`${message}, ${channelName(channel)}`)];
}

/** What came back, first times only. */
function reactions({ delivered, opened, clicked = {}, bounced, complained, robots = [] }) {
  const clicks = mapped(clicked, String).map(([link, when]) => [`clicked ${link}`, when, "good"]);
  const all = [["bounced", bounced, "bad"], ["marked as spam", complained, "bad"], ...clicks,
    ["opened", opened, "good"], ["delivered", delivered]];
  const line = ([text, when, kind]) => when && el("div", {}, badge(text, kind), " ", small(time(when)));
  return [...all.map(line), robots.length > 0 && small(`by robots: ${robots.join(", ")}`)];
}

function showRuns(runs) {
  const why = ({ person, journey }) => el("a", { href: to("why", person, { journey }) }, "why");
  const columns = [...RUN_COLUMNS.slice(1).filter(([head]) => head !== "Waits for"), ["Reason", why]];
  return part("Journeys", runs.length ? table("Newest first", columns, runs) : small("In no journey so far."));
}

// ---- the rest ----------------------------------------------------------------------------------

function showWho({ person, notes, merges, tasks, deals }) {
  const code = (text) => el("code", {}, text);
  const counts = (found) => facts(mapped(found, ({ count }) => plural(count, "time")));
  const texts = (found) => facts(mapped(found, said));
  const number = (value) => (Array.isArray(value) ? value.join(", ") : ISO.test(value) ? time(value) : said(value));
  const noted = (words, iso, more) => [...words, small(time(iso), more && ` · ${more}`)];
  const visit = ({ what, title, time: at }) => noted([el("span", { title: what }, title || what)], at);
  const word = (given) => badge(given ? "yes" : "no", given ? "good" : "bad");
  const consent = ({ channel, purpose, given, time: since, source }) =>
    noted([word(given), ` ${channel}, ${purpose === "*" ? "everything" : purpose}`], since, source);
  const cart = ({ items: units, last }) =>
    noted([mapped(units, String).map(([product, count]) => `${count} × ${product}`).join(", ")], last);
  const order = ({ order_id: id, placed, revenue: worth, currency, cancelled, skus }) =>
    noted([[money(worth, currency), ...skus].join(" · "), " ", cancelled && badge("cancelled", "bad")], placed, id);
  const talk = ({ kind, at, outcome, text, by }) => noted([`${kind}: ${outcome}`, text && el("p.said", {}, text)], at, by);
  const merge = ({ sentence, undone }) => [sentence, " ", undone && badge("undone")];
  const done = tasks.filter(({ status }) => status === "done");
  const closed = deals.filter(({ stage }) => ["won", "lost"].includes(stage));
  const ended = (text, kind, at, more) => noted([text, " ", badge(kind, kind === "lost" ? "bad" : "good")], at, more);
  return [
    part("Conversations", items(notes.map(talk))),
    part("Open carts", items(person.open_carts.map(cart))),
    part("Last orders", items(person.last_orders.map(order))),
    part("Closed deals", items(closed.map((one) => ended(one.title, one.stage, one.since, one.reason)))),
    part("Tasks done", items(done.map((one) => ended(one.text, one.outcome || "done", one.finished, one.owner)))),
    part("Last pages", items(person.last_pages.map(visit))),
    part("Last searches", items(person.last_searches.map(visit))),
    part("Traits", texts(person.traits)),
    part("Permissions", items(person.consents.map(consent)) || small("Nothing was permitted or refused yet.")),
    part("Known as", facts([["user id", person.user_id], ["person id", code(person.id)],
      ...person.anonymous_ids.map((id) => ["anonymous id", code(id)])])),
    part("Became one with", items(merges.map(merge))),
    part("First touch", texts(person.first_touch)),
    part("Numbers", facts(mapped(person.computed, number))),
    part("Events", counts(person.events)),
    part("Devices", counts(person.devices)),
    part("To know", items(person.notes)),
  ];
}

export const person = [load,
  { head: showHead, next: showNext, messages: showMessages, timeline: showTimeline, runs: showRuns, who: showWho }];
