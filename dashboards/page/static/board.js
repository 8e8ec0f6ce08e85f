// A board: its controls, its panels, and when they are asked again.
import { Failure, ask, failure } from "./api.js";
import { LIVE, intervalPicker, linkButton, rangePicker, rangeWords, refreshPicker, variablePicker } from "./controls.js";
import { save } from "./csv.js";
import { h, say } from "./dom.js";
import { count } from "./format.js";
import { asTable, draw, drawAsTable, isEmpty } from "./panels.js";
import { wholeOnly } from "./series.js";
import { read, search, withDefaults } from "./state.js";
import { plain } from "./table.js";
import { shown } from "./text.js";
import { clock, words } from "./time.js";

const OVER_TIME = new Set(["time_series", "heat_map"]);
const MOVES = ["wheel", "touchmove", "keydown", "pointerdown"];

// given: {board, alerts: whether an engine evaluates rules, go(address), look() at the status now, onStored(callback) -> stop}. Gives {element, destroy}.
export function boardView({ board, alerts, go, look, onStored }) {
  const asked = read();
  const view = { from: asked.from ?? `now-${board.hours}h`, to: asked.to, variables: withDefaults(board, asked.variables), step: asked.step, whole: asked.whole, shown: null };
  const path = `/board/${encodeURIComponent(board.uid)}`;
  const change = (what) => go(path + search({ ...view, ...what }));
  const stopped = new AbortController();
  let every = Number(sessionStorage.getItem("watchline-refresh") ?? board.refresh_s);
  let timer = null;
  let busy = false;
  let again = false;
  // The panel that the address names comes first, and stays in sight while those above it grow, until the reader moves.
  let named = location.hash.slice(1);
  const moved = () => (named = "");
  for (const kind of MOVES) addEventListener(kind, moved, { passive: true });

  const updated = h("span", { class: "note", id: "updated" });
  const happened = h("details", { class: "marks", hidden: true });
  const controls = h("div", { class: "controls", role: "group", "aria-label": "What is shown" },
    rangePicker(view, change), board.variables.map((variable) => variablePicker(board, variable, view, change)),
    intervalPicker(view, change),
    refreshPicker(every, (s) => { every = s; sessionStorage.setItem("watchline-refresh", String(s)); schedule(); look(); }),
    h("button", { type: "button", class: "quiet", title: "Refresh now", "aria-label": "Refresh now", onclick: () => refresh() }, "↻"),
    linkButton(() => location.origin + path + search({ ...view, ...(view.shown ?? {}) })));
  const cells = [];
  const element = h("div", { class: "board" },
    h("div", { class: "head" }, h("h1", {}, board.title), h("p", { class: "note" }, board.description)),
    controls, h("div", { class: "below" }, updated, happened),
    board.sections.map(({ title, panels }) => h("section", { "aria-label": title },
      board.sections.length > 1 ? h("h2", {}, title) : null,
      h("div", { class: "grid" }, panels.map((panel) => {
        const cell = panelCell(board, panel, view, go);
        cells.push(cell);
        return cell.element;
      })))));

  const question = () => ({ from: view.from, to: view.to, variables: view.variables, step: view.step });

  async function refresh() {
    if (busy) { // a slow answer is waited for, and never asked for twice
      again = true;
      return;
    }
    busy = true;
    clearTimeout(timer);
    let marks = [];
    try {
      ({ marks } = await ask("marks", { board: board.uid, ...question() }, stopped.signal));
    } catch (error) {
      if (stopped.signal.aborted) return;
    }
    showMarks(marks);
    showStanding();
    const first = cells.filter(({ element: { id } }) => id === named);
    await Promise.all([...first, ...cells.filter((cell) => !first.includes(cell))].map(async (cell) => {
      await cell.refresh(question(), marks, stopped.signal);
      if (named && !stopped.signal.aborted) document.getElementById(named)?.scrollIntoView();
    }));
    named = "";
    if (stopped.signal.aborted) return;
    const answered = cells.map(({ last }) => last()).find(Boolean);
    if (answered) {
      view.shown = { from: answered.from, to: answered.to };
      updated.textContent = `${rangeWords(answered.from, answered.to)} · asked at ${clock(Date.now())}`;
    }
    const failed = cells.filter(({ failed: f }) => f()).length;
    say(`${board.title}: ${failed ? `${count(failed, "panel")} could not be shown` : "up to date"}`);
    busy = false;
    if (again) {
      again = false;
      refresh();
    } else schedule();
  }

  async function showStanding() {
    if (!alerts) return;
    try {
      const { rules } = await ask("standing", { board: board.uid }, stopped.signal);
      for (const cell of cells) cell.stand(rules);
    } catch {
      for (const cell of cells) cell.stand([]); // rather nothing than what is no longer so
    }
  }

  function schedule() {
    clearTimeout(timer);
    if (!busy && every > LIVE && view.to === "now" && !document.hidden && !stopped.signal.aborted) timer = setTimeout(refresh, every * 1000);
  }

  function showMarks(marks) {
    happened.hidden = !marks.length;
    happened.replaceChildren(h("summary", {}, `${count(marks.length, "change")} in this range`), h("ul", {}, marks.map((mark) =>
      h("li", {}, h("time", { datetime: mark.time }, words(mark.time).slice(0, 19)), " ", h("b", {}, `${mark.about}: `), shown([mark.title, mark.text].filter(Boolean).join(": "))))));
  }

  const seen = () => (document.hidden ? clearTimeout(timer) : every && view.to === "now" ? refresh() : null);
  document.addEventListener("visibilitychange", seen);
  const stopLive = onStored(() => every === LIVE && view.to === "now" && refresh());
  refresh();
  return {
    element, title: board.title,
    redraw: () => cells.forEach((cell) => cell.redraw()),
    destroy: () => {
      stopped.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
      for (const kind of MOVES) removeEventListener(kind, moved);
      stopLive();
      cells.forEach((cell) => cell.destroy());
    },
  };
}

function panelCell(board, panel, view, go) {
  let answer = null;
  let drawn = null;
  let failed = false;
  let hidden = false; // all that came is in intervals that aren't whole
  let marks = [];
  let tabular = false;
  const id = `panel-${board.uid}-${panel.id}`;
  const body = h("div", { class: "panel-body" }, h("p", { class: "note" }, "Loading …"));
  const problem = h("div", {});
  const about = h("p", { class: "about", id: `${id}-about`, hidden: true }, panel.description);
  const info = h("button", {
    type: "button", class: "quiet", "aria-expanded": "false", "aria-controls": `${id}-about`, "aria-label": `What is ${panel.title}?`, title: panel.description,
    onclick: () => { about.hidden = !about.hidden; info.setAttribute("aria-expanded", String(!about.hidden)); },
  }, "?");
  const link = (labels = {}, from = null, to = null) => {
    const start = Math.max(from ?? 0, Date.parse(answer.from));
    const end = Math.min(to ?? Infinity, Date.parse(answer.to));
    const more = { board: board.uid, panel: panel.id };
    for (const [name, value] of Object.entries(labels)) more[`label-${name}`] = value;
    return `/rows${search({ from: new Date(start).toISOString(), to: new Date(to === null ? end : Math.min(end, to - 1)).toISOString(), variables: view.variables }, more)}`;
  };
  const toggle = panel.kind === "table" ? null : h("button", {
    type: "button", class: "quiet", "aria-pressed": "false", "aria-label": `${panel.title} as a table`,
    onclick: () => { tabular = !tabular; toggle.setAttribute("aria-pressed", String(tabular)); paint(); },
  }, "Table");
  const asCsv = h("button", {
    type: "button", class: "quiet", "aria-label": `${panel.title} as CSV`,
    onclick: () => {
      if (!answer) return;
      const { columns, rows } = asTable(panel, answer);
      save(`${board.uid} ${panel.title}`, columns, rows.map((row) => row.map(plain)));
    },
  }, "CSV");
  const watched = h("details", { class: "watched", hidden: true });
  const rows = h("a", { class: "behind", hidden: true, "aria-label": `The rows behind ${panel.title}` }, "Rows");
  const element = h("article", { class: `panel kind-${panel.kind.replace("_", "-")}`, id, "aria-labelledby": `${id}-title`, style: { gridColumn: `span ${panel.width}` } },
    h("div", { class: "panel-head" }, h("h3", { id: `${id}-title` }, panel.title), h("div", { class: "tools" }, info, toggle, asCsv, rows)),
    about, watched, problem, body);

  function clear() {
    drawn?.destroy?.();
    drawn = null;
  }

  function paint() {
    if (!answer) return;
    clear();
    if (isEmpty(answer)) {
      body.replaceChildren(h("p", { class: "note empty" }, hidden ? "No interval is whole in this range: what came is in parts, which are hidden." : "Nothing came in this range."));
      return;
    }
    const open = panel.rows ? (labels, from, to) => go(link(labels, from, to)) : null;
    const select = (from, to) => go(`/board/${encodeURIComponent(board.uid)}${search({ ...view, from: new Date(from).toISOString(), to: new Date(to).toISOString() })}`);
    drawn = (tabular ? drawAsTable : draw)({ panel, answer, marks, link, open, select });
    body.replaceChildren(drawn.element);
    drawn.redraw?.();
  }

  // As the engine's record has it: nothing is judged here.
  function stand(rules) {
    const own = rules.filter((rule) => rule.panel === panel.id);
    const fire = own.filter(({ fires }) => fires);
    const worst = fire.some(({ severity, silenced_by: by }) => severity === "critical" && !by) ? "critical" : fire.length ? "warning" : "ok";
    watched.hidden = !own.length;
    watched.className = `watched ${worst}`;
    const open = watched.open;
    watched.replaceChildren(
      h("summary", {}, own.length === 1 ? `${own[0].title} ${fire.length ? "fires" : "does not fire"}` : `${fire.length || "None"} of ${own.length} rules ${fire.length > 1 ? "fire" : "fires"}`),
      h("ul", {}, own.map((rule) => h("li", {}, h("b", {}, rule.title), " ", shown(rule.says)))));
    watched.open = open;
  }

  return {
    element,
    stand,
    last: () => answer,
    failed: () => failed,
    redraw: () => drawn?.redraw?.(),
    destroy: clear,
    async refresh(question, happened, signal) {
      element.setAttribute("aria-busy", "true");
      const slow = setTimeout(() => element.classList.add("slow"), 1000);
      try {
        const points = Math.round(Math.min(Math.max(body.clientWidth / 6, 60), 240));
        const all = await ask("panel", { board: board.uid, panel: panel.id, points, ...question }, signal);
        const got = view.whole && OVER_TIME.has(panel.kind) ? wholeOnly(all) : all;
        const same = answer && !failed && JSON.stringify([got.queries, got.step_s]) === JSON.stringify([answer.queries, answer.step_s]) && panel.kind !== "time_series";
        answer = got;
        hidden = !isEmpty(all) && isEmpty(got);
        marks = happened;
        failed = false;
        problem.replaceChildren();
        element.classList.remove("stale");
        if (panel.rows) {
          rows.href = link();
          rows.hidden = false;
        }
        if (!same) paint();
      } catch (error) {
        if (signal.aborted) return;
        failed = true;
        const before = answer ? h("span", { class: "note" }, ` What is below is of ${words(answer.to).slice(0, 19)}.`) : null;
        const said = failure(error instanceof Failure ? error : new Failure("", error.message));
        if (before) said.append(before);
        problem.replaceChildren(said);
        if (answer) element.classList.add("stale");
        else body.replaceChildren();
      } finally {
        clearTimeout(slow);
        element.classList.remove("slow");
        element.removeAttribute("aria-busy");
      }
    },
  };
}
