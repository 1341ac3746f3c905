/**
 * The page of the one-machine system: the clock, people, journeys, tasks and the outbox.
 *
 * A view's frame (a template in index.html) has panes. `load` asks the server for each pane's
 * data; `show` draws a pane anew only when its data has changed, so that focus, open details and
 * scrolled places stay. Whatever the server says becomes text, never HTML.
 */

const LIST_EVERY = 3000; // milliseconds
const CLOCK_EVERY = 1000;
const ROWS = 100; // of a list
const RUNS = 200; // of a journey that are loaded and counted
const KEY = "tante-key";

const main = document.getElementById("main");
const problems = new Map(); // what is wrong, by who found it
const names = new Map(); // of people, by id
const titles = new Map(); // of journeys, by name
const letters = new Map(); // messages of the outbox, by send id
const drawn = new WeakMap(); // what a pane shows
let route = {};
let now = null; // by the system's clock
let jumping = "";

class NoKey extends Error {}

// ---- elements -------------------------------------------------------------------------------

/** An element: "li.late" has a class, a function listens; children that are empty are left out. */
function el(name, given = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const node = document.createElement(tag);
  node.classList.add(...classes);
  for (const [attribute, value] of Object.entries(given)) {
    if (typeof value === "function") node.addEventListener(attribute, value);
    else if (value != null) node.setAttribute(attribute, attribute === "href" ? safe(value) : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child || child === 0));
  return node;
}

/** An address that may stand in a link: not `javascript:` and its like. */
const safe = (url) => (/^(https?:|mailto:|tel:|\/|#)/i.test(url) ? url : "#");
const small = (...words) => el("small", {}, ...words);
const badge = (text, kind = "plain") => text && el(`span.badge.${kind}`, {}, text);
const items = (found) => found.length > 0 && el("ul", {}, found.map((one) => el("li", {}, one)));
const plural = (count, noun) => `${count.toLocaleString()} ${noun}${count === 1 ? "" : "s"}`;
const said = (value) => (typeof value === "object" ? value && JSON.stringify(value) : String(value));
const mapped = (object, change) => Object.entries(object).map(([name, one]) => [name, change(one)]);

const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

/** A moment as it is written here, with the exact one in its title. */
function time(iso) {
  return iso && el("time", { datetime: iso, title: iso }, MOMENT.format(new Date(iso)));
}

/** An amount in its currency, also in one that the browser does not know. */
function money(amount, currency) {
  try {
    return new Intl.NumberFormat(undefined, { style: "currency", currency }).format(amount);
  } catch {
    return `${amount} ${currency ?? ""}`;
  }
}

/** What a person's orders brought, in each currency. */
function revenue({ revenue: amounts }) {
  return Object.entries(amounts).map(([currency, amount]) => money(amount, currency)).join(" + ");
}

/** A table, cards on a narrow screen. A column is [heading, cell of a row, class]. */
function table(caption, columns, rows) {
  const row = (kind, role, cells) => el("tr", { role: "row" },
    cells.map(([more, ...content]) => el(kind, { role, ...more }, content)));
  const heads = columns.map(([head, , style]) => [{ scope: "col", class: style }, head]);
  const cells = (one) => columns.map(([head, cell, style]) => [{ class: style, "data-label": head }, cell(one)]);
  return el("table", { role: "table" }, el("caption", {}, caption),
    el("thead", { role: "rowgroup" }, row("th", "columnheader", heads)),
    el("tbody", { role: "rowgroup" }, rows.map((one) => row("td", "cell", cells(one)))));
}

/** Names and values, without the empty ones. */
function facts(pairs) {
  const full = pairs.filter(([, value]) => value || value === 0);
  const row = ([name, value]) => [el("dt", {}, name), el("dd", {}, value)];
  return full.length > 0 && el("dl", {}, full.map(row));
}

/** A heading with its content; nothing when there is none. */
function part(heading, ...content) {
  return content.some(Boolean) ? [el("h2", {}, heading), ...content] : [];
}

/** What to do when there is nothing to see: a text of index.html. */
function hint(id) {
  const node = el("div.hint", {}, document.getElementById(id).content.cloneNode(true));
  for (const pre of node.querySelectorAll("pre")) {
    pre.textContent = pre.textContent.replace("ORIGIN", location.origin);
    const copy = () => navigator.clipboard.writeText(pre.textContent);
    pre.after(el("button", { type: "button", click: copy }, "Copy"));
  }
  return node;
}

// ---- addresses and the server ----------------------------------------------------------------

/** A path with those parameters that are not empty. */
function address(path, query = {}) {
  const text = new URLSearchParams(Object.entries(query).filter(([, value]) => value)).toString();
  return text ? `${path}?${text}` : path;
}

/** The address of a view of this page. */
const to = (view, id, query) => address(`#/${view}${id ? `/${encodeURIComponent(id)}` : ""}`, query);

/** Links to the first page of a list and the next. */
function pages(next) {
  const { view, id, query } = route;
  return (query.after || next) && el("p.pages", {},
    query.after && el("a", { href: to(view, id, { ...query, after: "" }) }, "← Newest"),
    next && el("a", { href: to(view, id, { ...query, after: next }) }, "Older →"));
}

/** The server's answer. Throws NoKey, or an Error whose text is for people. */
async function call(path, body) {
  const headers = { authorization: `Bearer ${sessionStorage.getItem(KEY)}` };
  const sent = body && { method: "POST", body: JSON.stringify(body) };
  const answer = await fetch(path, { headers, ...sent }).catch(() => {
    throw new Error(`No answer from ${location.origin}. Is “tante run” still running?`);
  });
  const json = await answer.json().catch(() => ({}));
  if (answer.status === 401) throw new NoKey();
  if (!answer.ok) throw new Error(json.message || `The server answered ${answer.status}.`);
  return json;
}

/** Do something, and say above the page what went wrong; true when nothing did. */
async function trying(who, job) {
  let wrong = "";
  try {
    await job();
  } catch (error) {
    if (error instanceof NoKey) askForKey("The server does not know this key.");
    else wrong = error.message;
  }
  if (wrong) problems.set(who, wrong);
  else problems.delete(who);
  write("problem", [...new Set(problems.values())].join(" "));
  document.getElementById("problem").hidden = !problems.size;
  return !wrong;
}

/** The published journeys; their titles are remembered. */
async function journeys() {
  const found = (await call("/api/journeys")).journeys;
  for (const { name, title } of found) titles.set(name, title);
  return found;
}

const titleOf = (journey) => titles.get(journey) || journey;
const journeyLink = ({ journey }) => el("a", { href: to("runs", "", { journey }) }, titleOf(journey));

// ---- people ----------------------------------------------------------------------------------

/** What to call a person; remembered. */
function nameOf({ id, traits, email, user_id, anonymous_ids: [visitor = id] }) {
  const both = [traits.first_name ?? traits.firstName, traits.last_name ?? traits.lastName];
  const full = traits.name || both.filter(Boolean).join(" ");
  names.set(id, said(full || email || user_id || `Visitor ${visitor.slice(0, 8)}`));
  return names.get(id);
}

/** A link to a person, whose name may follow later. */
function personLink({ person: id }) {
  return id && el("a", { href: to("people", id), "data-person": id }, names.get(id) ?? `${id.slice(0, 8)}…`);
}

/** Ask for the names that are in sight and not known yet. */
async function findNames() {
  const asked = route;
  for (const link of main.querySelectorAll("[data-person]")) {
    const id = link.dataset.person;
    if (asked !== route) return;
    const found = names.has(id) || call(`/api/people/${encodeURIComponent(id)}`).then(nameOf);
    await Promise.resolve(found).catch(() => names.set(id, `${id.slice(0, 8)}…`));
    if (link.textContent !== names.get(id)) link.textContent = names.get(id);
  }
}

/** Look for a person by what the form says. */
function search(form) {
  const text = form.elements.text.value.trim();
  location.hash = to("people", "", text.includes("@") ? { email: text } : { user_id: text });
}

/** One page of people, or those with an identifier. */
async function loadPeople({ query: { email, user_id, after } }) {
  const asked = email || user_id ? { email, user_id } : { limit: ROWS, after };
  const [list] = await Promise.all([call(address("/api/people", asked)), journeys()]);
  return { list };
}

function showPeople({ people, next }) {
  const { email, user_id } = route.query;
  if (!people.length) return [hint(email || user_id ? "not-found" : "no-people"), pages(next)];
  const columns = [
    ["Name", (person) => el("a", { href: to("people", person.id) }, nameOf(person)), "first"],
    ["E-mail", (person) => person.email, "long"],
    ["Orders", (person) => person.orders.toLocaleString(), "number"],
    ["Revenue", revenue, "number"],
    ["Last seen", (person) => time(person.last_seen)],
    ["Journeys under way", (person) => person.journeys.map((name) => badge(titleOf(name)))],
  ];
  const which = email || user_id ? `Found by “${email || user_id}”` : "Newest first";
  return [table(which, columns, people), pages(next)];
}

// ---- one person ------------------------------------------------------------------------------

/** A person and everything about them. */
async function loadPerson({ id, query: { after } }) {
  const path = `/api/people/${encodeURIComponent(id)}`;
  const timeline = address(`${path}/timeline`, { limit: ROWS, after });
  const about = ["/api/runs", "/api/messages"].map((list) => address(list, { person: id }));
  const answers = [path, ...about, timeline].map((each) => call(each));
  const [head, { runs }, { messages }, events] = await Promise.all([...answers, journeys()]);
  return { head, who: head, runs, messages, timeline: events };
}

function showHead(person) {
  document.title = `${nameOf(person)} · Tante`;
  const figure = ([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value || "–"));
  const figures = [["Revenue", revenue(person)], ["Orders", person.orders.toLocaleString()],
    ["First seen", time(person.first_seen)], ["Last seen", time(person.last_seen)]];
  return [
    el("h1", {}, names.get(person.id)),
    el("p.contact", {},
      person.email && el("a", { href: `mailto:${encodeURIComponent(person.email)}` }, person.email),
      person.phone && el("a", { href: `tel:${person.phone.replace(/[^+\d]/g, "")}` }, person.phone),
      mapped(person.suppressed, String).map(([channel, why]) => badge(`no ${channel}: ${why}`, "bad"))),
    el("dl.figures", {}, figures.map(figure)),
  ];
}

function showWho(person) {
  const code = (text) => el("code", {}, text);
  const counts = (found) => facts(mapped(found, ({ count }) => plural(count, "time")));
  const texts = (found) => facts(mapped(found, said));
  const noted = (words, iso, more) => [...words, small(time(iso), more && ` · ${more}`)];
  const visit = ({ what, title, time: at }) => noted([el("span", { title: what }, title || what)], at);
  const word = (given) => badge(given ? "yes" : "no", given ? "good" : "bad");
  const consent = ({ channel, purpose, given, time: since, source }) =>
    noted([word(given), ` ${channel}, ${purpose === "*" ? "everything" : purpose}`], since, source);
  const cart = ({ items: units, last }) =>
    noted([mapped(units, String).map(([product, count]) => `${count} × ${product}`).join(", ")], last);
  const order = ({ order_id: id, placed, revenue: worth, currency, cancelled, skus }) =>
    noted([[money(worth, currency), ...skus].join(" · "), " ", cancelled && badge("cancelled", "bad")], placed, id);
  const company = ({ name, role, level, department, buying_role: buying }) =>
    [name, role, level, department, buying].filter(Boolean).join(", ");
  return [
    part("Open carts", items(person.open_carts.map(cart))),
    part("Last orders", items(person.last_orders.map(order))),
    part("Last pages", items(person.last_pages.map(visit))),
    part("Last searches", items(person.last_searches.map(visit))),
    part("Traits", texts({ ...(person.locale && { locale: person.locale }), ...person.traits })),
    part("Permissions", items(person.consents.map(consent)) || small("Nothing was permitted or refused yet.")),
    part("Known as", facts([["user id", person.user_id], ["company", person.companies.map(company).join("; ")],
      ["person id", code(person.id)], ...person.anonymous_ids.map((id) => ["anonymous id", code(id)])])),
    part("First touch", texts(person.first_touch)),
    part("Events", counts(person.events)),
    part("Devices", counts(person.devices)),
    part("Notes", items(person.notes)),
  ];
}

function showPersonRuns(runs) {
  const columns = RUN_COLUMNS.slice(1);
  return part("Journeys", runs.length ? table("Newest first", columns, runs) : small("In no journey so far."));
}

function showMessages(messages) {
  const columns = [
    ["Message", messageLink, "first"],
    ["Journey", journeyLink],
    ["State", ({ state, reason }) => [badge(state, STATES[state]), small(reason)]],
    ["Sent", ({ claimed }) => time(claimed)],
    ["Reactions", reactions],
  ];
  const none = small("No journey wanted to send anything yet.");
  return part("Messages", messages.length ? table("Newest first", columns, messages) : none);
}

const STATES = { sent: "good", failed: "bad", "not sent": "bad", held: "wait", unknown: "wait" };

/** The message's subject; where it went out, a link to the outbox. */
function messageLink({ subject, message, channel, send_id, state }) {
  const out = ["sent", "unknown"].includes(state);
  const text = subject || message;
  const link = out ? el("a", { href: to("outbox", send_id) }, text) : text;
  return [link, small(`${message}, ${channelName(channel)}`)];
}

const channelName = (channel) => ({ sms: "SMS", email: "e-mail" })[channel] ?? channel;

/** What came back, first times only. */
function reactions({ delivered, opened, clicked = {}, bounced, complained, robots = [] }) {
  const clicks = mapped(clicked, String).map(([link, when]) => [`clicked ${link}`, when, "good"]);
  const all = [["bounced", bounced, "bad"], ["marked as spam", complained, "bad"], ...clicks,
    ["opened", opened, "good"], ["delivered", delivered]];
  const line = ([text, when, kind]) => when && el("div", {}, badge(text, kind), " ", small(time(when)));
  return [...all.map(line), robots.length > 0 && small(`by robots: ${robots.join(", ")}`)];
}

function showTimeline({ events, next }) {
  const line = (event) => el("li", {}, el("details", { "data-key": event.message_id },
    el("summary", {}, time(event.time), el("strong", {}, event.event || event.type), el("span", {}, gist(event))),
    el("pre", {}, JSON.stringify(event, null, 2))));
  const lines = events.length ? el("ol.timeline", {}, events.map(line)) : small("No events.");
  return part("Timeline", lines, pages(next));
}

/** The gist of an event in a line. */
function gist({ type, properties: known, traits }) {
  if (type === "identify" || type === "group") return Object.keys(traits).join(", ");
  const products = [known.products ?? known].flat().map((product) => product?.name ?? product?.sku);
  const amount = known.total ?? known.revenue ?? known.value;
  const words = [known.title ?? known.path ?? known.url, known.query, known.order_id,
    amount != null && money(amount, known.currency), ...products, known.link_id, known.reason];
  return words.filter((word) => word && typeof word !== "object").join(" · ");
}

// ---- journeys --------------------------------------------------------------------------------

const RUN_COLUMNS = [
  ["Person", personLink, "first"],
  ["Journey", journeyLink],
  ["Status", (run) => [badge(fate(run), mood(run)), run.goal && badge("goal reached", "good")]],
  ["Waits for", (run) => run.waits_for],
  ["Entered", (run) => [time(run.entered), run.entered_by && small(`by ${run.entered_by}`)]],
  ["Ended", (run) => time(run.ended)],
];

const fate = (run) => (run.status === "open" ? "under way" : run.outcome || "ended");
const mood = (run) => (run.status === "open" ? "wait" : /^(failed|timed out)/i.test(run.outcome) ? "bad" : "plain");

/** Every journey with its last runs; older ones only of the journey that is asked for. */
async function loadRuns({ query: { journey, status, after } }) {
  const published = await journeys();
  const loaded = await Promise.all(published.map(async (one) => {
    const asked = { journey: one.name, limit: RUNS, after: one.name === journey ? after : "" };
    return { ...one, ...(await call(address("/api/runs", asked))) };
  }));
  const chosen = loaded.filter((one) => !journey || one.name === journey);
  const runs = chosen.flatMap((one) => one.runs).filter((run) => !status || run.status === status);
  runs.sort((a, b) => b.entered.localeCompare(a.entered));
  return { journeys: loaded, list: { runs: runs.slice(0, RUNS), next: journey && chosen[0]?.next } };
}

function showJourneys(loaded) {
  if (!loaded.length) return hint("no-journeys");
  const { journey, status = "" } = route.query;
  const filter = ([text, value]) =>
    el("a", { href: to("runs", "", { journey, status: value }), "aria-current": value === status || null }, text);
  return [
    el("ul.cards", {}, loaded.map(journeyCard)),
    el("p.filters", {}, [["All", ""], ["Under way", "open"], ["Ended", "ended"]].map(filter),
      journey && el("a", { href: to("runs", "", { status }) }, "All journeys")),
  ];
}

/** A journey and what became of those runs that are loaded. */
function journeyCard({ name, title, version, runs, next }) {
  const { journey, status, after } = route.query;
  const counts = {};
  for (const run of runs) counts[fate(run)] = (counts[fate(run)] ?? 0) + 1;
  const many = `of ${next || (after && name === journey) ? "the last" : "all"} ${plural(runs.length, "run")}`;
  const given = { href: to("runs", "", { journey: name, status }), "aria-current": name === journey || null };
  return el("li", {}, el("a", given, title || name),
    small(el("code", { title: `version ${version}` }, name), runs.length ? `: ${many}` : ": nobody yet"),
    facts(mapped(counts, (count) => count.toLocaleString()).reverse()));
}

function showRuns({ runs, next }) {
  const none = titles.size > 0 && hint("no-runs");
  return [runs.length ? table("Newest first", RUN_COLUMNS, runs) : none, pages(next)];
}

// ---- tasks -----------------------------------------------------------------------------------

/** One page of tasks; a task is late by the system's clock. */
async function loadTasks({ query: { after } }) {
  const path = address("/api/tasks", { limit: ROWS, after });
  const [{ tasks, next }] = await Promise.all([call(path), journeys()]);
  for (const task of tasks) task.late = task.status === "open" && task.due && new Date(task.due) < now;
  return { list: { tasks, next } };
}

function showTasks({ tasks, next }) {
  const context = (task) => mapped(task.context, said).map((pair) => pair.join(": ")).join(" · ");
  const columns = [
    ["Task", (task) => [el("strong", {}, task.text), small(task.reason), small(context(task))], "first"],
    ["For", (task) => task.owner],
    ["Due", (task) => [time(task.due), " ", task.late && badge("late", "bad")]],
    ["Person", personLink],
    ["Journey", journeyLink],
    ["Status", (task) => badge(task.status, task.status === "done" ? "good" : "wait")],
  ];
  return [tasks.length ? table("Newest first", columns, tasks) : hint("no-tasks"), pages(next)];
}

// ---- outbox ----------------------------------------------------------------------------------

/** One page of the outbox, and the message that is asked for. */
async function loadOutbox({ id, query: { after } }) {
  const list = await call(address("/local/outbox", { limit: ROWS, after }));
  if (id && !letters.has(id)) letters.set(id, await call(`/local/outbox/${encodeURIComponent(id)}`));
  return { list, message: letters.get(id) };
}

function showOutbox({ messages, next }) {
  const { id, query: { after } } = route;
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
    el("a.back", { href: to("outbox", "", { after: route.query.after }) }, "← All messages"),
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

// ---- the clock -------------------------------------------------------------------------------

const buttons = [...document.querySelectorAll("#clock button")];

/** Show the system's time and what is to come. */
async function tick() {
  const clock = await call("/local/clock");
  now = new Date(clock.now);
  write("now", EXACT.format(now));
  document.getElementById("now").title = clock.now;
  for (const button of buttons.filter(({ dataset }) => dataset.speed))
    button.setAttribute("aria-pressed", Number(button.dataset.speed) === clock.speed);
  const pace = buttons.find(({ dataset }) => Number(dataset.speed) === clock.speed)?.title;
  write("pace", jumping || pace || `${clock.speed.toLocaleString()} times as fast`);
  const next = clock.next_due ? `next step ${MOMENT.format(new Date(clock.next_due))}` : "nothing is due";
  write("queue", `${plural(clock.waiting, "event")} in the queue, ${next}`);
}

/** Set a text only when it is another one, so that it is read out once. */
function write(id, text) {
  const node = document.getElementById(id);
  if (node.textContent !== text) node.textContent = text;
}

/** Set the clock as a button says, and look at everything again. */
async function setClock({ dataset: { speed, advance } }) {
  if (jumping) return;
  jumping = advance ? `jumping ${advance} ahead …` : "one moment …";
  write("pace", jumping);
  await trying("set", () => call("/local/clock", advance ? { advance } : { speed: Number(speed) }));
  jumping = "";
  await trying("clock", tick);
  await refresh();
}

// ---- the page --------------------------------------------------------------------------------

const VIEWS = {
  people: [loadPeople, { list: showPeople }],
  person: [loadPerson,
    { head: showHead, who: showWho, runs: showPersonRuns, messages: showMessages, timeline: showTimeline }],
  runs: [loadRuns, { journeys: showJourneys, list: showRuns }],
  tasks: [loadTasks, { list: showTasks }],
  outbox: [loadOutbox, { list: showOutbox, message: showMessage }],
};

/** Go where the address says: "#/view/id?query", or "#key=…" with a key to keep. */
async function go() {
  const [, key] = location.hash.match(/^#key=(.+)$/) ?? [];
  if (key) sessionStorage.setItem(KEY, decodeURIComponent(key));
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [view, id = ""] = path.split("/").map(decodeURIComponent);
  if (!["people", "runs", "tasks", "outbox"].includes(view)) {
    history.replaceState(null, "", "#/people");
    return go();
  }
  if (!sessionStorage.getItem(KEY)) return askForKey("");
  const frame = view === "people" && id ? "person" : view;
  const [before, asked] = [route, { view, id, frame, query: Object.fromEntries(new URLSearchParams(query)) }];
  route = asked;
  if (frame !== before.frame) build(frame);
  if (frame !== before.frame && before.frame) main.focus();
  main.dataset.id = id;
  problems.delete("set");
  const worked = await refresh();
  if (asked !== route) return;
  if (!worked) main.querySelectorAll("[data-pane]").forEach((pane) => pane.replaceChildren());
  if (frame !== before.frame || id !== before.id) scrollTo(0, 0);
  else if (asked.query.after !== before.query.after)
    main.querySelector("[data-pane=timeline], [data-pane=list]").scrollIntoView();
}

/** Put a view's empty frame on the page. */
function build(frame) {
  document.getElementById("clock").hidden = frame === "ask";
  main.className = frame;
  main.replaceChildren(document.getElementById(frame).content.cloneNode(true));
  document.title = `${main.querySelector("h1")?.textContent ?? "Person"} · Tante`;
  for (const link of document.querySelectorAll("nav a"))
    link.setAttribute("aria-current", link.hash === `#/${route.view}` ? "page" : "false");
}

/** Load the view and draw what has changed; true when that worked. */
function refresh() {
  const asked = route;
  return trying("list", async () => {
    const [load, panes] = VIEWS[asked.frame];
    const data = await load(asked);
    if (asked !== route) return;
    for (const [name, show] of Object.entries(panes)) fill(name, data[name], show);
    await findNames();
  });
}

/** Draw a pane, unless it shows this already. The open message is never drawn twice. */
function fill(name, data, show) {
  const pane = main.querySelector(`[data-pane="${name}"]`);
  const text = JSON.stringify([data, name === "message" || route]);
  if (drawn.get(pane) === text && pane.hasChildNodes()) return;
  drawn.set(pane, text);
  keepPlace(pane, () => pane.replaceChildren(...[show(data)].flat(Infinity).filter(Boolean)));
}

/** Change a pane under the reader: focus, open details and the scrolled place stay. */
function keepPlace(pane, change) {
  const key = (node) => node.hash || node.parentElement?.dataset.key;
  const focused = pane.contains(document.activeElement) && key(document.activeElement);
  const open = [...pane.querySelectorAll("details[open]")].map(({ dataset }) => dataset.key);
  const top = pane.scrollTop;
  change();
  for (const details of pane.querySelectorAll("details")) details.open = open.includes(details.dataset.key);
  const again = focused && [...pane.querySelectorAll("a, summary")].find((node) => key(node) === focused);
  if (again) again.focus({ preventScroll: true });
  pane.scrollTop = top;
}

/** Ask for the secret key instead of showing anything. */
function askForKey(why) {
  sessionStorage.removeItem(KEY);
  if (route.frame === "ask") return;
  route = { frame: "ask" };
  build("ask");
  main.querySelector("[role=alert]").textContent = why;
  main.querySelector("input").focus();
}

/** Do a job again and again while somebody can see the page and may. */
async function every(milliseconds, job) {
  if (!document.hidden && sessionStorage.getItem(KEY)) await job();
  setTimeout(every, milliseconds, milliseconds, job);
}

addEventListener("hashchange", go);
addEventListener("submit", (event) => {
  event.preventDefault();
  if (route.frame !== "ask") return search(event.target);
  sessionStorage.setItem(KEY, event.target.elements.key.value.trim());
  go();
});
for (const button of buttons) button.addEventListener("click", () => setClock(button));
go();
every(CLOCK_EVERY, () => trying("clock", tick));
setTimeout(every, LIST_EVERY, LIST_EVERY, refresh);
