/**
 * The page of the one-machine system: the clock, people, journeys, tasks and the outbox.
 *
 * A view's frame (a template in index.html) has panes. `load` asks the server for each pane's
 * data; `show` draws a pane anew only when its data has changed, so that focus, open details and
 * scrolled places stay. Whatever the server says becomes text, never HTML.
 */

import { EXACT, MOMENT, plural } from "./elements.js";
import { groups } from "./groups.js";
import { runs } from "./journeys.js";
import { outbox } from "./outbox.js";
import { people, search } from "./people.js";
import { person } from "./person.js";
import { NoKey, call, keep, key, nameOf, names, place } from "./server.js";
import { tasks } from "./tasks.js";
import { why } from "./why.js";

const LIST_EVERY = 3000; // milliseconds
const CLOCK_EVERY = 1000;

const VIEWS = { people, person, groups, runs, tasks, outbox, why }; // [load, {pane: show}]
const SECTIONS = ["people", "groups", "runs", "tasks", "outbox", "why"]; // of addresses
const main = document.getElementById("main");
const problems = new Map(); // what is wrong, by who found it
const drawn = new WeakMap(); // what a pane shows
let jumping = "";

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

// ---- the clock -------------------------------------------------------------------------------

const buttons = [...document.querySelectorAll("#clock button")];

/** Show the system's time and what is to come. */
async function tick() {
  const clock = await call("/local/clock");
  place.now = new Date(clock.now);
  write("now", EXACT.format(place.now));
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

/** Ask for the names that are in sight and not known yet. */
async function findNames() {
  const asked = place.route;
  for (const link of main.querySelectorAll("[data-person]")) {
    const id = link.dataset.person;
    if (asked !== place.route) return;
    const found = names.has(id) || call(`/api/people/${encodeURIComponent(id)}`).then(nameOf);
    await Promise.resolve(found).catch(() => names.set(id, `${id.slice(0, 8)}…`));
    if (link.textContent !== names.get(id)) link.textContent = names.get(id);
  }
}

/** Go where the address says: "#/view/id?query", or "#key=…" with a key to keep. */
async function go() {
  const [, given] = location.hash.match(/^#key=(.+)$/) ?? [];
  if (given) keep(decodeURIComponent(given));
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [view, id = ""] = path.split("/").map(decodeURIComponent);
  if (!SECTIONS.includes(view)) {
    history.replaceState(null, "", "#/people");
    return go();
  }
  if (!key()) return askForKey("");
  const frame = view === "people" && id ? "person" : view;
  const [before, asked] = [place.route, { view, id, frame, query: Object.fromEntries(new URLSearchParams(query)) }];
  place.route = asked;
  if (frame !== before.frame) build(frame);
  if (frame !== before.frame && before.frame) main.focus();
  main.dataset.id = id;
  problems.delete("set");
  const worked = await refresh();
  if (asked !== place.route) return;
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
    link.setAttribute("aria-current", link.hash === `#/${place.route.view === "why" ? "people" : place.route.view}` ? "page" : "false");
}

/** Load the view and draw what has changed; true when that worked. */
function refresh() {
  const asked = place.route;
  return trying("list", async () => {
    const [load, panes] = VIEWS[asked.frame];
    const data = await load(asked);
    if (asked !== place.route) return;
    for (const [name, show] of Object.entries(panes)) fill(name, data[name], show);
    await findNames();
  });
}

/** Draw a pane, unless it shows this already. The open message is never drawn twice. */
function fill(name, data, show) {
  const pane = main.querySelector(`[data-pane="${name}"]`);
  const text = JSON.stringify([data, name === "message" || place.route]);
  if (drawn.get(pane) === text && pane.hasChildNodes()) return;
  drawn.set(pane, text);
  keepPlace(pane, () => pane.replaceChildren(...[show(data)].flat(Infinity).filter(Boolean)));
}

/** Change a pane under the reader: focus, open details and the scrolled place stay. */
function keepPlace(pane, change) {
  const keyOf = (node) => node.hash || node.parentElement?.dataset.key;
  const focused = pane.contains(document.activeElement) && keyOf(document.activeElement);
  const open = [...pane.querySelectorAll("details[open]")].map(({ dataset }) => dataset.key);
  const top = pane.scrollTop;
  change();
  for (const details of pane.querySelectorAll("details")) details.open = open.includes(details.dataset.key);
  const again = focused && [...pane.querySelectorAll("a, summary")].find((node) => keyOf(node) === focused);
  if (again) again.focus({ preventScroll: true });
  pane.scrollTop = top;
}

/** Ask for the secret key instead of showing anything. */
function askForKey(why) {
  keep("");
  if (place.route.frame === "ask") return;
  place.route = { frame: "ask" };
  build("ask");
  main.querySelector("[role=alert]").textContent = why;
  main.querySelector("input").focus();
}

/** Do a job again and again while somebody can see the page and may. */
async function every(milliseconds, job) {
  if (!document.hidden && key()) await job();
  setTimeout(every, milliseconds, milliseconds, job);
}

addEventListener("hashchange", go);
addEventListener("submit", (event) => {
  event.preventDefault();
  if (place.route.frame !== "ask") return search(event.target);
  keep(event.target.elements.key.value.trim());
  go();
});
for (const button of buttons) button.addEventListener("click", () => setClock(button));
go();
every(CLOCK_EVERY, () => trying("clock", tick));
setTimeout(every, LIST_EVERY, LIST_EVERY, refresh);
