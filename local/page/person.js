/** A person and everything about them. */
export async function loadPerson({ id, query: { after } }) {
  const path = `/api/people/${encodeURIComponent(id)}`;
  const timeline = address(`${path}/timeline`, { limit: ROWS, after });
  const about = ["/api/runs", "/api/messages"].map((list) => address(list, { person: id }));
  const answers = [path, ...about, timeline].map((each) => call(each));
  const [head, { runs }, { messages }, events] = await Promise.all([...answers, journeys()]);
  return { head, who: head, runs, messages, timeline: events };
}

export function showHead(person) {
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

export function showWho(person) {
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

export function showPersonRuns(runs) {
  const columns = RUN_COLUMNS.slice(1);
  return part("Journeys", runs.length ? table("Newest first", columns, runs) : small("In no journey so far."));
}

export function showMessages(messages) {
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

export const STATES = { sent: "good", failed: "bad", "not sent": "bad", held: "wait", unknown: "wait" };

/** The message's subject; where it went out, a link to the outbox. */
export function messageLink({ subject, message, channel, send_id, state }) {
  const out = ["sent", "unknown"].includes(state);
  const text = subject || message;
  const link = out ? el("a", { href: to("outbox", send_id) }, text) : text;
  return [link, small(`${message}, ${channelName(channel)}`)];
}

export const channelName = (channel) => ({ sms: "SMS", email: "e-mail" })[channel] ?? channel;

/** What came back, first times only. */
export function reactions({ delivered, opened, clicked = {}, bounced, complained, robots = [] }) {
  const clicks = mapped(clicked, String).map(([link, when]) => [`clicked ${link}`, when, "good"]);
  const all = [["bounced", bounced, "bad"], ["marked as spam", complained, "bad"], ...clicks,
    ["opened", opened, "good"], ["delivered", delivered]];
  const line = ([text, when, kind]) => when && el("div", {}, badge(text, kind), " ", small(time(when)));
  return [...all.map(line), robots.length > 0 && small(`by robots: ${robots.join(", ")}`)];
}

export function showTimeline({ events, next }) {
  const line = (event) => el("li", {}, el("details", { "data-key": event.message_id },
    el("summary", {}, time(event.time), el("strong", {}, event.event || event.type), el("span", {}, gist(event))),
    el("pre", {}, JSON.stringify(event, null, 2))));
  const lines = events.length ? el("ol.timeline", {}, events.map(line)) : small("No events.");
  return part("Timeline", lines, pages(next));
}

/** The gist of an event in a line. */
export function gist({ type, properties: known, traits }) {
  if (type === "identify" || type === "group") return Object.keys(traits).join(", ");
  const products = [known.products ?? known].flat().map((product) => product?.name ?? product?.sku);
  const amount = known.total ?? known.revenue ?? known.value;
  const words = [known.title ?? known.path ?? known.url, known.query, known.order_id,
    amount != null && money(amount, known.currency), ...products, known.link_id, known.reason];
  return words.filter((word) => word && typeof word !== "object").join(" · ");
}
