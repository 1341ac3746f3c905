/** The tasks of colleagues. */

import { badge, el, hint, mapped, said, small, table, time } from "./elements.js";
import { ROWS, address, call, isLate, journeyLink, journeys, pages, personLink } from "./server.js";

/** One page of tasks; a task is late by the system's clock. */
async function load({ query: { after } }) {
  const path = address("/api/tasks", { limit: ROWS, after });
  const [{ tasks, next }] = await Promise.all([call(path), journeys()]);
  for (const task of tasks) task.late = isLate(task);
  return { list: { tasks, next } };
}

function show({ tasks, next }) {
  const context = (task) => mapped(task.context, said).map((pair) => pair.join(": ")).join(" · ");
  const columns = [
    ["Task", (task) => [el("strong", {}, task.text), small(task.reason), small(context(task))], "first"],
    ["For", (task) => task.owner],
    ["Due", (task) => [time(task.due), " ", task.late && badge("late", "bad")]],
    ["Person", personLink],
    ["Journey", journeyLink],
    ["Status", (task) => badge(task.status, task.status === "done" ? "good" : "wait")],
  ];
  return [tasks.length ? table("Those due soonest first", columns, tasks) : hint("no-tasks"), pages(next)];
}

export const tasks = [load, { list: show }];
