// The rows behind a point, a bar or an alert: a page at a time, each exactly once.
import { ask, failure } from "./api.js";
import { linkButton, rangeWords } from "./controls.js";
import { save } from "./csv.js";
import { h, say } from "./dom.js";
import { count } from "./format.js";
import { read, search } from "./state.js";
import { plain, table } from "./table.js";

export function rowsView({ boards }) {
  const asked = read();
  const board = boards.find(({ uid }) => uid === asked.rest.get("board"));
  const panel = board?.sections.flatMap(({ panels }) => panels).find(({ id }) => String(id) === asked.rest.get("panel"));
  const element = h("div", { class: "rows" });
  if (!panel) {
    element.append(h("h1", {}, "Rows"), h("p", { class: "failure", role: "alert" }, "There is no such panel; the link may be of another version."));
    return { element, title: "Rows" };
  }
  const labels = {};
  for (const [name, value] of asked.rest) if (name.startsWith("label-")) labels[name.slice("label-".length)] = value;
  const narrowed = [...Object.entries(labels), ...Object.entries(asked.variables).filter(([, values]) => values.length).map(([name, values]) => [name, values.join(" or ")])];
  const back = `/board/${encodeURIComponent(board.uid)}${search(asked)}`;
  const place = h("div", {}, h("p", { class: "note" }, "Loading …"));
  const said = h("p", { class: "note" });
  const more = h("button", { type: "button", class: "more", hidden: true, onclick: () => load() }, "Load more");
  const asCsv = h("button", { type: "button", class: "quiet", onclick: () => save(`rows of ${panel.title}`, columns, rows.map((row) => row.map(plain))) }, "CSV of what is loaded");
  let columns = [];
  const rows = [];
  let after = null;
  let range = asked;
  element.append(
    h("p", { class: "crumbs" }, h("a", { href: back }, board.title), " › ", panel.title),
    h("h1", {}, `Rows behind “${panel.title}”`),
    h("p", { class: "chips" }, narrowed.map(([name, value]) => h("span", { class: "chip" }, `${name}: ${value || "(empty)"}`))),
    h("div", { class: "controls" }, said, asCsv, linkButton(() => location.origin + location.pathname
      + search({ ...range, variables: asked.variables }, { board: board.uid, panel: panel.id, ...Object.fromEntries(Object.entries(labels).map(([k, v]) => [`label-${k}`, v])) }))),
    place, more);

  async function load() {
    more.disabled = true;
    try {
      const got = await ask("rows", { board: board.uid, panel: panel.id, from: range.from, to: range.to, variables: asked.variables, labels, after });
      ({ columns, after } = got);
      range = { from: got.from, to: got.to };
      rows.push(...got.rows);
      const y = scrollY;
      place.replaceChildren(rows.length ? table(columns, rows, { caption: `Rows behind ${panel.title}`, all: true }) : h("p", { class: "note empty" }, "Nothing came in this range."));
      scrollTo({ top: y });
      said.textContent = `${count(rows.length, "row")}${after ? " so far" : ""}, the last first · ${rangeWords(got.from, got.to)}`;
      say(said.textContent);
      more.hidden = after === null;
    } catch (error) {
      if (rows.length) place.prepend(failure(error));
      else place.replaceChildren(failure(error));
    }
    more.disabled = false;
  }
  load();
  return { element, title: `Rows behind ${panel.title}` };
}
