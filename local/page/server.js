/** What the page knows of the server: how to ask it, and what its records are called here. */

import { el, said } from "./elements.js";

const KEY = "tante-key";
export const ROWS = 100; // of a list

/** What is looked at: `route` as the address says, `now` by the system's clock. */
export const place = { route: {}, now: null };
export const names = new Map(); // of people, by id
const titles = new Map(); // of journeys, by name

export class NoKey extends Error {}
class NotFound extends Error {}

/** The secret key of this visit; "" forgets it. */
export const key = () => sessionStorage.getItem(KEY);
export const keep = (given) => (given ? sessionStorage.setItem(KEY, given) : sessionStorage.removeItem(KEY));

/** A path with those parameters that are not empty. */
export function address(path, query = {}) {
  const text = new URLSearchParams(Object.entries(query).filter(([, value]) => value)).toString();
  return text ? `${path}?${text}` : path;
}

/** The address of a view of this page. */
export const to = (view, id, query) => address(`#/${view}${id ? `/${encodeURIComponent(id)}` : ""}`, query);

/** Links to the first page of a list and the next. */
export function pages(next) {
  const { view, id, query } = place.route;
  return (query.after || next) && el("p.pages", {},
    query.after && el("a", { href: to(view, id, { ...query, after: "" }) }, "← Newest"),
    next && el("a", { href: to(view, id, { ...query, after: next }) }, "Older →"));
}

/** The server's answer. Throws NoKey, or an Error whose text is for people. */
export async function call(path, body) {
  const headers = { authorization: `Bearer ${key()}` };
  const sent = body && { method: "POST", body: JSON.stringify(body) };
  const answer = await fetch(path, { headers, ...sent }).catch(() => {
    throw new Error(`No answer from ${location.origin}. Is “tante run” still running?`);
  });
  const json = await answer.json().catch(() => ({}));
  if (answer.status === 401) throw new NoKey();
  const words = json.message || `The server answered ${answer.status}.`;
  if (answer.status === 404) throw new NotFound(words);
  if (!answer.ok) throw new Error(words);
  return json;
}

/** The server's answer, or `otherwise` where it does not have this at all. */
export const callIfThere = (path, otherwise) => call(path).catch((error) => {
  if (error instanceof NotFound) return otherwise;
  throw error;
});

/** All of a listing, page by page. */
export async function all(path, take) {
  let after = "";
  do {
    const page = await call(address(path, { limit: 500, after }));
    take(page);
    after = page.next;
  } while (after);
}

/** The published journeys; their titles are remembered. */
export async function journeys() {
  const found = (await call("/api/journeys")).journeys;
  for (const { name, title } of found) titles.set(name, title);
  return found;
}

export const titleOf = (journey) => titles.get(journey) || journey;
export const journeyLink = ({ journey }) => el("a", { href: to("runs", "", { journey }) }, titleOf(journey));
export const hasJourneys = () => titles.size > 0;

/** What to call a person; remembered. */
export function nameOf({ id, traits, email, user_id, anonymous_ids: [visitor = id] }) {
  const both = [traits.first_name ?? traits.firstName, traits.last_name ?? traits.lastName];
  const full = traits.name || both.filter(Boolean).join(" ");
  names.set(id, said(full || email || user_id || `Visitor ${visitor.slice(0, 8)}`));
  return names.get(id);
}

/** A link to a person, whose name may follow later. */
export function personLink({ person: id }) {
  return id && el("a", { href: to("people", id), "data-person": id }, names.get(id) ?? `${id.slice(0, 8)}…`);
}

/** Whether a task is late by the system's clock. */
export const isLate = (task) => task.status === "open" && task.due && new Date(task.due) < place.now;
