/** Why a person was, or was not, in a journey and sent its messages: each step in words. */

import { badge, el, facts, small, time } from "./elements.js";
import { address, call, journeys, place, titleOf, to } from "./server.js";

async function load({ id, query: { journey } }) {
  const path = `/api/people/${encodeURIComponent(id)}`;
  const why = `${path}/journeys/${encodeURIComponent(journey ?? "")}/why`;
  const [found] = await Promise.all([call(address(why, { in: "en" })), journeys()]);
  return { head: { id, journey }, runs: found };
}

const showHead = ({ id, journey }) => [
  el("a.back", { href: to("people", id) }, "← The person"),
  el("h1", {}, `Why: ${titleOf(journey)}`),
];

/** A condition and those it is made of, each with what it looked at. */
function condition({ holds, sentence, used = [], parts = [] }) {
  return el("li", {}, badge(holds ? "✓ so" : "✗ not so", holds ? "good" : "bad"), ` ${sentence}`,
    used.length > 0 && small(used.join("; ")), parts.length > 0 && el("ul.conditions", {}, parts.map(condition)));
}

const conditions = (asked = []) => asked.length > 0 && el("ul.conditions", {}, asked.map(condition));

function run({ version, began, entered, ended, end, stations }) {
  const station = ({ says, at, came, asked }) =>
    el("li", {}, time(at), el("div", {}, el("strong", {}, says), el("p", {}, came), conditions(asked)));
  return el("section.run", {}, el("h2", {}, `${began[0].toUpperCase()}${began.slice(1)}`),
    facts([["Entered", time(entered)], ["Ended", ended && time(ended)], ["In the end", end], ["Version", version]]),
    el("ol.steps", {}, stations.map(station)));
}

function showRuns({ runs, missing }) {
  document.title = `Why: ${titleOf(place.route.query.journey)} · Tante`;
  const none = missing && [el("h2", {}, "They were not in this journey"),
    el("ul", {}, missing.reasons.map((reason) => el("li", {}, reason))), conditions(missing.asked)];
  return [none, runs.map(run)];
}

export const why = [load, { head: showHead, runs: showRuns }];
