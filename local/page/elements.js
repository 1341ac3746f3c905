/** Elements of the page. Whatever the server says becomes text, never HTML. */

/** An element: "li.late" has a class, a function listens; children that are empty are left out. */
export function el(name, given = {}, ...children) {
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
export const safe = (url) => (/^(https?:|mailto:|tel:|\/|#)/i.test(url) ? url : "#");
export const small = (...words) => el("small", {}, ...words);
export const badge = (text, kind = "plain") => text && el(`span.badge.${kind}`, {}, text);
export const items = (found) => found.length > 0 && el("ul", {}, found.map((one) => el("li", {}, one)));
export const plural = (count, noun) => `${count.toLocaleString()} ${noun}${count === 1 ? "" : "s"}`;
export const said = (value) => (typeof value === "object" ? value && JSON.stringify(value) : String(value));
export const mapped = (object, change) => Object.entries(object).map(([name, one]) => [name, change(one)]);

export const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
export const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

/** A moment as it is written here, with the exact one in its title. */
export function time(iso) {
  return iso && el("time", { datetime: iso, title: iso }, MOMENT.format(new Date(iso)));
}

/** An amount in its currency, also in one that the browser does not know. */
export function money(amount, currency) {
  try {
    return new Intl.NumberFormat(undefined, { style: "currency", currency }).format(amount);
  } catch {
    return `${amount} ${currency ?? ""}`;
  }
}

/** What a person's orders brought, in each currency. */
export function revenue({ revenue: amounts }) {
  return Object.entries(amounts).map(([currency, amount]) => money(amount, currency)).join(" + ");
}

/** A table, cards on a narrow screen. A column is [heading, cell of a row, class]. */
export function table(caption, columns, rows) {
  const row = (kind, role, cells) => el("tr", { role: "row" },
    cells.map(([more, ...content]) => el(kind, { role, ...more }, content)));
  const heads = columns.map(([head, , style]) => [{ scope: "col", class: style }, head]);
  const cells = (one) => columns.map(([head, cell, style]) => [{ class: style, "data-label": head }, cell(one)]);
  return el("table", { role: "table" }, caption && el("caption", {}, caption),
    el("thead", { role: "rowgroup" }, row("th", "columnheader", heads)),
    el("tbody", { role: "rowgroup" }, rows.map((one) => row("td", "cell", cells(one)))));
}

/** Names and values, without the empty ones. */
export function facts(pairs) {
  const full = pairs.filter(([, value]) => value || value === 0);
  const row = ([name, value]) => [el("dt", {}, name), el("dd", {}, value)];
  return full.length > 0 && el("dl", {}, full.map(row));
}

/** A heading with its content; nothing when there is none. */
export function part(heading, ...content) {
  return content.some(Boolean) ? [el("h2", {}, heading), ...content] : [];
}

/** What to do when there is nothing to see: a text of index.html. */
export function hint(id) {
  const node = el("div.hint", {}, document.getElementById(id).content.cloneNode(true));
  for (const pre of node.querySelectorAll("pre")) {
    pre.textContent = pre.textContent.replace("ORIGIN", location.origin);
    const copy = () => navigator.clipboard.writeText(pre.textContent);
    pre.after(el("button", { type: "button", click: copy }, "Copy"));
  }
  return node;
}

/** How much of the whole something is, as a bar; its number stands beside it in words. */
export function bar(part, whole) {
  const width = Math.max(0, Math.min(100, (100 * part) / (whole || 1)));
  return el("span.bar", { "aria-hidden": "true" }, el("i", { style: `width:${width}%` }));
}
