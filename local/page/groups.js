/** Groups of people: the stages of the lifecycle with their people and revenue, and the segments. */

import { bar, el, hint, money, plural, small, table, time } from "./elements.js";
import { address, all, call, to } from "./server.js";

const COUNTED_FOR = 30_000; // milliseconds: counting reads everybody
let counted = { at: -Infinity };

/** The models with their stages, and what the people in each have brought in. */
async function loadStages() {
  if (Date.now() < counted.at + COUNTED_FOR) return counted.stages;
  const { models } = await call(address("/api/lifecycle", { in: "en" }));
  const weights = new Map();
  let people = 0;
  if (models.length) await all("/api/lifecycle/weights", (page) => {
    people += page.people;
    for (const one of page.weights) {
      const known = weights.get(`${one.model}/${one.stage}`) ?? { people: 0, revenue: {} };
      known.people += one.people;
      for (const [currency, amount] of Object.entries(one.revenue))
        known.revenue[currency] = (known.revenue[currency] ?? 0) + amount;
      weights.set(`${one.model}/${one.stage}`, known);
    }
  });
  const stage = (model, one) => ({ ...one, people: 0, revenue: {}, ...weights.get(`${model.name}/${one.name}`), of: people });
  const stages = { models: models.map((model) => ({ ...model, stages: model.stages.map((one) => stage(model, one)) })) };
  counted = { at: Date.now(), stages };
  return stages;
}

const share = ({ people, of }) => [plural(people, "person").replace("persons", "people"), bar(people, of)];

function showStages({ models }) {
  if (!models.length) return hint("no-stages");
  const columns = (stages) => [
    ["Stage", (stage) => [el("strong", {}, stage.title || stage.name), small(stage.when)], "first"],
    ...(stages.some(({ phase }) => phase) ? [["Phase", (stage) => stage.phase]] : []),
    ["People", share],
    ["Revenue", ({ revenue }) => Object.entries(revenue).map(([name, sum]) => money(sum, name)).join(" + "), "number"],
  ];
  return models.map(({ title, name, stages }) => [el("h2", {}, title || name), table("", columns(stages), stages)]);
}

/** The segments, and how many were in each at the last count. */
async function loadSegments() {
  const [{ segments, backfill }, figures] = await Promise.all([
    call(address("/api/segments", { in: "en" })), call("/api/segments/figures")]);
  const counts = new Map(figures.segments.map((one) => [one.name, one.count]));
  const known = segments.map((one) => ({ ...one, people: counts.get(one.name), of: figures.people }));
  known.sort((a, b) => (b.people ?? -1) - (a.people ?? -1));
  return { segments: known, made: figures.made, backfill };
}

function showSegments({ segments, made, backfill }) {
  if (!segments.length) return hint("no-segments");
  const columns = [
    ["Segment", ({ name, title, who }) =>
      [el("a", { href: to("people", "", { segment: name }) }, title || name), small(who)], "first"],
    ["People", (one) => (one.people == null ? "not counted yet" : share(one))],
  ];
  const behind = backfill && !backfill.ended && `${backfill.done} people are up to date with the last publish so far. `;
  const counted = made ? el("p.quiet", {}, behind, "Counted once a day, last on ", time(made), ".")
    : el("p.quiet", {}, behind, "Nobody was counted yet; that is done once a day.");
  return [el("h2", {}, "Segments"), counted, table("", columns, segments)];
}

async function load() {
  const [stages, segments] = await Promise.all([loadStages(), loadSegments()]);
  return { stages, segments };
}

export const groups = [load, { stages: showStages, segments: showSegments }];
