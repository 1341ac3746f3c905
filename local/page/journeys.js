/** Journeys, and the runs of people in them. */

import { badge, el, facts, hint, mapped, plural, small, table, time } from "./elements.js";
import { address, call, hasJourneys, journeyLink, journeys, pages, personLink, place, to } from "./server.js";

const RUNS = 200; // of a journey that are loaded and counted

export const RUN_COLUMNS = [
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
async function load({ query: { journey, status, after } }) {
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
  const { journey, status = "" } = place.route.query;
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
  const { journey, status, after } = place.route.query;
  const counts = {};
  for (const run of runs) counts[fate(run)] = (counts[fate(run)] ?? 0) + 1;
  const many = `of ${next || (after && name === journey) ? "the last" : "all"} ${plural(runs.length, "run")}`;
  const given = { href: to("runs", "", { journey: name, status }), "aria-current": name === journey || null };
  return el("li", {}, el("a", given, title || name),
    small(el("code", { title: `version ${version}` }, name), runs.length ? `: ${many}` : ": nobody yet"),
    facts(mapped(counts, (count) => count.toLocaleString()).reverse()));
}

function showRuns({ runs, next }) {
  const none = hasJourneys() && hint("no-runs");
  return [runs.length ? table("Newest first", RUN_COLUMNS, runs) : none, pages(next)];
}

export const runs = [load, { journeys: showJourneys, list: showRuns }];
