// One SELECT of the reader's own, under the same limits as `watchline sql`; views, columns and audit queries at hand.
import { ask, failure } from "./api.js";
import { save } from "./csv.js";
import { h, say } from "./dom.js";
import { count } from "./format.js";
import { plain, table } from "./table.js";

const KEY = "watchline-sql";
const FIRST = "SELECT app, count() AS events\nFROM v_interactions\nWHERE time > now() - INTERVAL 1 HOUR\nGROUP BY app\nORDER BY events DESC";

export function sqlView({ views, audits }) {
  const box = h("textarea", { id: "sql", rows: "8", spellcheck: "false", autocomplete: "off", autocapitalize: "off", "aria-describedby": "sql-note" });
  box.value = sessionStorage.getItem(KEY) ?? FIRST;
  const parameters = h("div", { class: "parameters" });
  const result = h("div", { "aria-live": "off" });
  const run = h("button", { type: "submit" }, "Run");
  let audit = null;

  const names = () => [...new Set([...box.value.matchAll(/\{(\w+):[^{}]+\}/g)].map(([, name]) => name))];
  function showParameters(defaults = {}) {
    const before = Object.fromEntries([...parameters.querySelectorAll("input")].map((input) => [input.name, input.value]));
    const now = names();
    if (now.join() === Object.keys(before).join() && !Object.keys(defaults).length) return;
    parameters.replaceChildren(...now.map((name) => {
      const input = h("input", { type: "text", name, autocomplete: "off" });
      input.value = defaults[name] ?? before[name] ?? "";
      return h("label", {}, `${name} `, input);
    }));
  }
  box.addEventListener("input", () => { audit = null; showParameters(); });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });

  const form = h("form", {
    onsubmit: async (event) => {
      event.preventDefault();
      sessionStorage.setItem(KEY, box.value);
      run.disabled = true;
      run.textContent = "Running …";
      const given = Object.fromEntries([...parameters.querySelectorAll("input")].map((input) => [input.name, input.value]));
      try {
        const got = await (audit ? ask("audit", { name: audit, parameters: given }) : ask("sql", { sql: box.value, parameters: given }));
        const words = `${count(got.rows.length, "row")} in ${got.took_s} s`;
        say(words);
        result.replaceChildren(
          h("div", { class: "controls" }, h("span", { class: "note" }, words),
            h("button", { type: "button", class: "quiet", onclick: () => save(audit ?? "query", got.columns, got.rows.map((row) => row.map(plain))) }, "CSV")),
          got.rows.length ? table(got.columns, got.rows, { caption: "Result" }) : h("p", { class: "note empty" }, "No row."));
      } catch (error) {
        result.replaceChildren(failure(error));
      }
      run.disabled = false;
      run.textContent = "Run";
    },
  }, h("label", { for: "sql" }, "One SELECT over the views"), box, parameters,
  h("div", { class: "buttons" }, run, h("span", { class: "note", id: "sql-note" }, "Ctrl+Enter runs it. Read-only; at most 30 s, 100,000 rows, 64 MiB. Narrow it by time.")));

  const put = (sql, name = null, defaults = {}) => { box.value = sql; audit = name; showParameters(defaults); box.focus(); };
  const side = h("aside", { "aria-label": "Views and audit queries" },
    h("h2", {}, "Audit queries"), h("ul", { class: "plain" }, audits.map(({ name, question, sql, parameters: defaults }) =>
      h("li", {}, h("button", { type: "button", class: "quiet", onclick: () => put(sql, name, defaults) }, name.replaceAll("_", " ")), h("span", { class: "note" }, ` ${question}`)))),
    h("h2", {}, "Views"), Object.entries(views).map(([name, view]) => {
      const details = h("details", {}, h("summary", {}, h("code", {}, name)));
      details.addEventListener("toggle", () => {
        if (details.open && details.childElementCount === 1) {
          details.append(h("p", { class: "note" }, `One row for ${view.one_row_for}.`),
            h("button", { type: "button", class: "quiet", onclick: () => put(`SELECT *\nFROM ${name}\n${view.columns.some(([c]) => c === "time") ? "WHERE time > now() - INTERVAL 1 HOUR\n" : ""}LIMIT 100`) }, "Put it in the box"),
            h("dl", { class: "columns" }, view.columns.map(([column, type, what]) => [h("dt", {}, h("code", {}, column)), h("dd", {}, what, " ", h("span", { class: "note" }, type))])));
        }
      });
      return details;
    }));
  showParameters();
  return { element: h("div", { class: "sql" }, h("h1", {}, "SQL"), h("div", { class: "two" }, h("div", {}, form, result), side)), title: "SQL" };
}
