// Tables: sorted by a click on a column, a part of many rows at a time.
import { h } from "./dom.js";
import { UNKNOWN, count, format } from "./format.js";
import { cellText } from "./text.js";
import { words } from "./time.js";

const STEP = 200;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

// A value as text in the page's zone: what a cell and CSV say.
export function plain(value) {
  return typeof value === "string" && TIME.test(value) ? words(value) : value;
}

function content(value, name, units, short) {
  if (value === null || value === undefined) return h("span", { class: "note" }, UNKNOWN);
  if (typeof value === "number") return name in units ? format(value, units[name]) : number(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value !== "string") return cellText(JSON.stringify(value));
  if (TIME.test(value)) return h("time", { datetime: value, title: short ? words(value) : null }, short ? words(value).slice(0, 19) : words(value));
  if (name === "event_id" && ID.test(value)) return h("a", { href: `/event/${value}`, title: value, "aria-label": `Event ${value}` }, short ? `${value.slice(0, 8)}…` : value);
  return cellText(value);
}

function number(value) {
  if (Number.isInteger(value)) return value.toLocaleString("en", { maximumFractionDigits: 0 });
  return String(Number(value.toPrecision(4)));
}

// options: short (times to the second, ids by their beginning), caption, units by column, link(row) to the rows behind one, linkName, note(row), sortable
export function table(columns, rows, options = {}) {
  const { caption, units = {}, link = null, sortable = true, short = false } = options;
  let sorted = [...rows];
  let shown = 0;
  let order = null;
  const numeric = columns.map((_, i) => rows.length > 0 && rows.every((r) => r[i] === null || typeof r[i] === "number"));
  const body = h("tbody");
  const more = h("button", { type: "button", class: "more", onclick: () => grow() });
  const heads = columns.map((name, i) => {
    const label = sortable
      ? h("button", { type: "button", class: "sort", onclick: () => sort(i) }, name.replaceAll("_", " "))
      : name.replaceAll("_", " ");
    return h("th", { scope: "col", class: numeric[i] ? "number" : null }, label);
  });
  if (link) heads.push(h("th", { scope: "col" }, h("span", { class: "hidden" }, "Rows behind it")));

  function grow() {
    for (const row of sorted.slice(shown, shown + STEP)) {
      const cells = row.slice(0, columns.length).map((value, i) =>
        h("td", { class: numeric[i] ? "number" : typeof value === "string" && value.length > 60 ? "long" : null },
          content(value, columns[i], units, short)));
      if (link) {
        const to = link(row);
        cells.push(h("td", {}, to ? h("a", { href: to, class: "behind" }, "rows") : null));
      }
      body.append(h("tr", {}, cells));
    }
    shown = Math.min(shown + STEP, sorted.length);
    more.hidden = shown >= sorted.length;
    more.textContent = `Show more: ${shown.toLocaleString("en")} of ${count(sorted.length, "row")} are shown`;
  }

  function sort(i) {
    const down = order?.column === i ? !order.down : false;
    order = { column: i, down };
    const sign = down ? -1 : 1;
    sorted = [...rows].sort((a, b) => {
      if (a[i] === b[i]) return 0;
      if (a[i] === null) return 1;
      if (b[i] === null) return -1;
      if (typeof a[i] === "number" && typeof b[i] === "number") return sign * (a[i] - b[i]);
      return sign * String(a[i]).localeCompare(String(b[i]), "en", { numeric: true });
    });
    heads.forEach((head, n) => {
      if (n === i) head.setAttribute("aria-sort", down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    body.replaceChildren();
    shown = 0;
    grow();
  }

  grow();
  const label = caption ?? "Table";
  return h("div", { class: "table" },
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
      h("table", {}, h("caption", { class: "hidden" }, label), h("thead", {}, h("tr", {}, heads)), body)),
    more);
}
