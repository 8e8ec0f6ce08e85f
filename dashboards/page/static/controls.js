// Above a board: from when to when, which values of variables, how often.
import { ask } from "./api.js";
import { copy, h } from "./dom.js";
import { forInput, fromInput, words, zoneName } from "./time.js";

const RANGES = [["now-15m", "Last 15 minutes"], ["now-1h", "Last hour"], ["now-2h", "Last 2 hours"], ["now-6h", "Last 6 hours"],
  ["now-24h", "Last 24 hours"], ["now-7d", "Last 7 days"], ["now-30d", "Last 30 days"]];
export const LIVE = 1;
const EVERY = [[0, "off"], [LIVE, "live"], [10, "10 s"], [30, "30 s"], [60, "1 min"], [300, "5 min"]];

const UNITS = { s: "seconds", m: "minutes", h: "hours", d: "days" };
const agoWords = (from) => from.replace(/^now-(\d+)([smhd])$/, (_, n, unit) => `Last ${n} ${UNITS[unit]}`);

export function rangePicker(view, change) {
  const relative = view.to === "now" && /^now-/.test(view.from);
  const known = RANGES.some(([value]) => value === view.from);
  const select = h("select", { "aria-label": "Time range" },
    RANGES.map(([value, name]) => h("option", { value, selected: relative && view.from === value }, name)),
    relative && !known ? h("option", { value: view.from, selected: true }, agoWords(view.from)) : null,
    h("option", { value: "", selected: !relative }, "From … to …"));
  const start = h("input", { type: "datetime-local", step: "1", "aria-label": "From" });
  const end = h("input", { type: "datetime-local", step: "1", "aria-label": "To" });
  const form = h("form", {
    class: "absolute", hidden: relative,
    onsubmit: (event) => {
      event.preventDefault();
      if (start.value && end.value) change({ from: fromInput(start.value), to: fromInput(end.value) });
    },
  }, start, h("span", {}, "to"), end, h("button", { type: "submit" }, "Show"));
  if (!relative) {
    start.value = /^now/.test(view.from) ? "" : forInput(view.from);
    end.value = /^now/.test(view.to) ? forInput(Date.now()) : forInput(view.to);
  }
  select.addEventListener("change", () => {
    if (select.value) {
      change({ from: select.value, to: "now" });
      return;
    }
    form.hidden = false;
    const { from, to } = view.shown ?? { from: Date.now() - 3600000, to: Date.now() };
    start.value = forInput(from);
    end.value = forInput(to);
    start.focus();
  });
  return h("div", { class: "control range" }, select, form, h("span", { class: "note", title: "The zone of every time on this page" }, zoneName()));
}

export function variablePicker(board, variable, view, change) {
  const chosen = new Set(view.variables[variable.name] ?? []);
  const summary = h("summary", {}, `${variable.label}: `, h("b", {}, chosen.size ? [...chosen].map((v) => v || "(empty)").join(", ") : "All"));
  const list = h("div", { class: "choices" }, h("p", { class: "note" }, "Loading …"));
  const typed = h("input", { type: "text", "aria-label": `Another value of ${variable.label}`, placeholder: "another value", autocomplete: "off" });
  const apply = () => change({ variables: { ...view.variables, [variable.name]: chosen.size ? [...chosen] : [] } });
  const form = h("form", {
    onsubmit: (event) => {
      event.preventDefault();
      if (typed.value) chosen.add(typed.value);
      apply();
    },
  }, list, typed, h("div", { class: "buttons" },
    h("button", { type: "submit" }, "Apply"),
    h("button", { type: "button", class: "quiet", onclick: () => { chosen.clear(); apply(); } }, "All")));
  const details = h("details", { class: "control picker" }, summary, form);
  const only = (value) => h("label", {}, h("input", {
    type: "checkbox", checked: chosen.has(value),
    onchange: (event) => (event.target.checked ? chosen.add(value) : chosen.delete(value)),
  }), value || "(empty)");
  details.addEventListener("toggle", async () => {
    if (!details.open) return;
    try {
      const { values } = await ask("values", { board: board.uid, name: variable.name, from: view.from, to: view.to });
      const all = [...new Set([...chosen, ...values])];
      list.replaceChildren(...(all.length ? all.map(only) : [h("p", { class: "note" }, "No value in this range.")]));
    } catch (error) {
      list.replaceChildren(h("p", { class: "failure" }, error.words ?? error.message));
    }
  });
  details.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && details.open) {
      details.open = false;
      summary.focus();
    }
  });
  return details;
}

const STEPS = [[0, "as it fits"], [60, "1 min"], [300, "5 min"], [3600, "1 hour"], [86400, "1 day (UTC)"]];

// How long an interval of a time series is, and whether a first or last one shows that isn't whole.
export function intervalPicker(view, change) {
  const known = STEPS.some(([s]) => s === (view.step ?? 0));
  const select = h("select", { "aria-label": "Interval" },
    STEPS.map(([s, name]) => h("option", { value: s, selected: s === (view.step ?? 0) }, `Interval: ${name}`)),
    known ? null : h("option", { value: view.step, selected: true }, `Interval: ${view.step} s`));
  select.addEventListener("change", () => change({ step: Number(select.value) || null }));
  const only = h("input", { type: "checkbox", checked: view.whole, onchange: (event) => change({ whole: event.target.checked }) });
  return h("div", { class: "control range" }, select, h("label", { title: "Hide the first and last interval where the time range doesn't cover it whole" }, only, " whole ones only"));
}

export function refreshPicker(every, change) {
  const select = h("select", { "aria-label": "Refresh" }, EVERY.map(([s, name]) => h("option", { value: s, selected: s === every }, `Refresh: ${name}`)));
  select.addEventListener("change", () => change(Number(select.value)));
  return h("div", { class: "control" }, select);
}

// A link that shows the same to who has a token: with the times that are shown now, and without this tab's token.
export function linkButton(address) {
  return h("button", { type: "button", class: "quiet", title: "With absolute times, without the token", onclick: (event) => copy(address(), event.currentTarget) }, "Copy link");
}

export const rangeWords = (from, to) => `${words(from).slice(0, 19)} to ${words(to).slice(0, 19)} ${zoneName()}`;
