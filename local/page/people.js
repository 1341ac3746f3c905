/** The list of people, and the search for one. */

import { badge, el, hint, revenue, table, time } from "./elements.js";
import { ROWS, address, call, journeys, nameOf, pages, place, titleOf, to } from "./server.js";

/** Look for a person by what the form says. */
export function search(form) {
  const text = form.elements.text.value.trim();
  const kind = text.includes("@") ? "email" : text.startsWith("+") ? "phone" : "user_id";
  location.hash = to("people", "", { [kind]: text });
}

/** One page of people, those with an identifier, or those of a segment. */
async function load({ query: { email, phone, user_id, segment, after } }) {
  const asked = email || phone || user_id ? { email, phone, user_id } : { limit: ROWS, after };
  const path = segment ? `/api/segments/${encodeURIComponent(segment)}/people` : "/api/people";
  const [list] = await Promise.all([call(address(path, asked)), journeys()]);
  return { list };
}

function show({ people, next }) {
  const { email, phone, user_id, segment } = place.route.query;
  const identifier = email || phone || user_id;
  if (!people.length) return [hint(segment ? "nobody-in-it" : identifier ? "not-found" : "no-people"), pages(next)];
  const columns = [
    ["Name", (person) => el("a", { href: to("people", person.id) }, nameOf(person)), "first"],
    ["E-mail", (person) => person.email, "long"],
    ["Stage", (person) => Object.values(person.stages)[0]],
    ["Orders", (person) => person.orders.toLocaleString(), "number"],
    ["Revenue", revenue, "number"],
    ["Last seen", (person) => time(person.last_seen)],
    ["Journeys under way", (person) => person.journeys.map((name) => badge(titleOf(name)))],
  ];
  const found = segment ? `In the segment “${segment}”` : identifier && `Found by “${identifier}”`;
  return [table(found || "Newest first", columns, people), pages(next)];
}

export const people = [load, { list: show }];
