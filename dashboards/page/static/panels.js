// What a panel's answer looks like, by its kind. Each gives {element, redraw, destroy}, the last two where needed.
import { chart } from "./chart.js";
import { colour, h } from "./dom.js";
import { count, format, stateOf } from "./format.js";
import { series, times } from "./series.js";
import { table } from "./table.js";
import { clock, words } from "./time.js";

const TEXTUAL = /^(time|first_time|last_time|hour|day)$/;

export function isEmpty(answer) {
  return Object.values(answer.queries).every(({ rows }) => rows.length === 0);
}

const labelsOf = (columns, row) =>
  Object.fromEntries(columns.map((name, i) => [name, row[i]]).filter(([name, value]) => typeof value === "string" && !TEXTUAL.test(name)));

// The panel's numbers as one table, times in the page's zone: for the button "Table", and for CSV.
export function asTable(panel, answer) {
  if (panel.kind === "time_series" || panel.kind === "heat_map" || panel.kind === "state_timeline") {
    const all = series(answer.queries);
    const names = [...new Set(all.flatMap(({ labels }) => Object.keys(labels)))];
    const value = [...new Set(all.map((one) => one.value))];
    const columns = ["time", ...names, ...value];
    const rows = new Map();
    const step = answer.step_s * 1000;
    for (const one of all) {
      for (const [ms, number] of one.points) {
        const key = JSON.stringify([ms, one.labels]);
        if (!rows.has(key)) rows.set(key, [new Date(ms).toISOString(), ...names.map((n) => one.labels[n] ?? null), ...value.map(() => null)]);
        rows.get(key)[1 + names.length + value.indexOf(one.value)] = number;
      }
    }
    const sorted = [...rows.values()].sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
    const whole = (row) => Date.parse(row[0]) >= Date.parse(answer.from) && Date.parse(row[0]) + step <= Date.parse(answer.to);
    return { columns: [...columns, "interval"], rows: sorted.map((row) => [...row, whole(row) ? "whole" : "part"]), units: Object.fromEntries(value.map((name) => [name, panel.unit])) };
  }
  const queries = Object.values(answer.queries);
  if (queries.length === 1) {
    const { columns, rows } = queries[0];
    const units = panel.kind === "table" ? unitsByName(columns) : Object.fromEntries(columns.map((name) => [name, panel.unit]));
    return { columns, rows, units };
  }
  const rows = Object.entries(answer.queries).flatMap(([query, found]) =>
    found.rows.flatMap((row) => found.columns.map((name, i) => [query, name, row[i]])));
  return { columns: ["query", "name", "value"], rows, units: {} };
}

// In a table each column has a unit of its own, which its name says.
function unitsByName(columns) {
  const units = {};
  for (const name of columns) {
    if (/_s$|^(seconds|delay|age|took)$|^latency|first_chunk/.test(name)) units[name] = "seconds";
    else if (/cost|usd/.test(name) && !/without/.test(name)) units[name] = "usd";
    else if (/^(rate|share|ratio)|_(rate|share|ratio)$|^rate_|^(flagged|unsupported|low|high)$/.test(name)) units[name] = "ratio";
    else if (/bytes/.test(name)) units[name] = "bytes";
  }
  return units;
}

export function draw(given) {
  return KINDS[given.panel.kind](given);
}

function drawTable({ panel, answer, link }) {
  const { columns, rows, units } = asTable(panel, answer);
  return {
    element: table(columns, rows, {
      caption: panel.title, units, short: true,
      link: panel.rows && panel.kind === "table" ? (row) => link(labelsOf(columns, row)) : null,
    }),
  };
}

// As a table, whatever the kind; of a time series each row leads to its own interval.
export function drawAsTable({ panel, answer, link }) {
  const { columns, rows, units } = asTable(panel, answer);
  const timed = columns.at(-1) === "interval";
  const to = (row) => {
    const labels = labelsOf(columns.slice(0, timed ? -1 : undefined), row);
    const ms = Date.parse(row[0]);
    return timed ? link(labels, ms, ms + answer.step_s * 1000) : link(labels);
  };
  return { element: table(columns, rows, { caption: panel.title, units, short: true, link: panel.rows ? to : null }) };
}

const STATE_WORDS = { ok: "ok", warning: "warning", critical: "critical", unknown: "unknown" };

function stateWords(value, panel) {
  if (!panel.thresholds.length) return null;
  const found = stateOf(value, panel.thresholds);
  const limit = found.at === null || found.at === undefined ? "" : ` from ${format(found.at, panel.unit, panel.decimals)}`;
  return h("span", { class: `state ${found.state}` }, `${STATE_WORDS[found.state]}${limit}`);
}

function drawStat({ panel, answer, link }) {
  const found = Object.values(answer.queries).flatMap(({ columns, rows }) =>
    rows.flatMap((row) => {
      const labels = labelsOf(columns, row);
      const numbers = columns.map((_, i) => i).filter((i) => typeof row[i] !== "string");
      return (numbers.length ? numbers : columns.map((_, i) => i)).map((i) => ({
        name: [...(numbers.length ? Object.values(labels) : []), columns[i].replaceAll("_", " ")].join(" · "),
        value: row[i], labels: numbers.length ? labels : {},
      }));
    }));
  const several = found.length > 1;
  return {
    element: h("div", { class: `stats${several ? " several" : ""}` }, found.slice(0, 24).map(({ name, value, labels }) => {
      const text = typeof value === "string" && !Number.isNaN(Date.parse(value)) && /^\d{4}-/.test(value) ? words(value) : format(value, panel.unit, panel.decimals);
      const state = panel.thresholds.length ? stateOf(value, panel.thresholds).state : "plain";
      const big = h("span", { class: "big" }, text);
      return h("div", { class: `stat ${value === null ? "unknown" : state}` },
        panel.rows ? h("a", { href: link(labels), "aria-label": `${panel.title}${several ? `, ${name}` : ""}: ${text}; the rows behind it` }, big) : big,
        several ? h("span", { class: "note" }, name) : null, stateWords(value, panel));
    })),
  };
}

function drawBars({ panel, answer, link }) {
  const bars = Object.values(answer.queries).flatMap(({ columns, rows }) =>
    rows.flatMap((row) => {
      const labels = labelsOf(columns, row);
      const numbers = columns.map((_, i) => i).filter((i) => typeof row[i] !== "string");
      return numbers.map((i) => ({
        name: [...Object.values(labels).map((v) => v || "none"), ...(numbers.length > 1 || !Object.keys(labels).length ? [columns[i].replaceAll("_", " ")] : [])].join(" · "),
        value: row[i], labels,
      }));
    }));
  const largest = Math.max(0, ...bars.map(({ value }) => value ?? 0), ...panel.thresholds.map(([at]) => at));
  const most = (panel.unit === "ratio" ? Math.min(largest * 1.25, Math.max(1, largest)) : largest) || 1;
  return {
    element: h("ul", { class: "bars" }, bars.map(({ name, value, labels }) => {
      const { state } = panel.thresholds.length ? stateOf(value, panel.thresholds) : { state: "plain" };
      const inner = [
        h("span", { class: "bar-name" }, name),
        h("span", { class: "bar-value" }, format(value, panel.unit, panel.decimals), panel.thresholds.length && state !== "ok" ? ` ${state}` : ""),
        h("span", { class: `bar ${state}` }, h("span", { style: { width: `${Math.max((100 * (value ?? 0)) / most, 0)}%` } })),
      ];
      return h("li", {}, panel.rows ? h("a", { href: link(labels) }, inner) : inner);
    })),
  };
}

const ROW = 18;
function drawHeat({ panel, answer, open }) {
  const all = series(answer.queries);
  const xs = times(all);
  const step = answer.step_s * 1000;
  const low = Math.floor(Date.parse(answer.from) / step) * step;
  const columns = Math.max(1, Math.ceil((Date.parse(answer.to) - low) / step));
  const rows = [...all].reverse();
  const most = Math.max(...all.flatMap(({ points }) => [...points.values()].map((v) => v ?? 0))) || 1;
  const canvas = h("canvas", {
    role: "img", class: panel.rows ? "clickable" : null,
    "aria-label": `${panel.title}: ${count(rows.length, "row")} by ${count(xs.length, "interval")}, at most ${format(most, panel.unit, panel.decimals)}. The button Table shows the numbers.`,
  });
  const tip = h("p", { class: "note when" }, `strongest: ${format(most, panel.unit, panel.decimals)}`);
  const labels = h("div", { class: "heat-labels", "aria-hidden": "true" }, rows.map(({ name }) => h("span", { title: name }, name)));
  const size = Math.max(ROW, Math.min(40, Math.floor(170 / rows.length)));
  labels.style.gridAutoRows = `${size}px`;
  const ends = h("div", { class: "ends note", "aria-hidden": "true" }, h("span", {}, clock(low, false)), h("span", {}, clock(answer.to, false)));
  const box = h("div", { class: "heat" }, labels, h("div", { class: "heat-cells" }, canvas, ends));
  const element = h("div", {}, box, tip);
  function redraw() {
    const width = canvas.parentElement.clientWidth;
    if (!width) return;
    const ratio = devicePixelRatio;
    canvas.width = width * ratio;
    canvas.height = rows.length * size * ratio;
    canvas.style.height = `${rows.length * size}px`;
    const ctx = canvas.getContext("2d");
    ctx.scale(ratio, ratio);
    ctx.fillStyle = colour("line-1");
    const w = width / columns;
    rows.forEach(({ points }, y) => {
      for (const [ms, value] of points) {
        if (!value) continue;
        ctx.globalAlpha = 0.12 + (0.88 * value) / most;
        ctx.fillRect(((ms - low) / step) * w + 0.5, y * size + 0.5, Math.max(w - 1, 1), size - 1);
      }
    });
  }
  const at = (event) => {
    const area = canvas.getBoundingClientRect();
    const row = rows[Math.floor((event.clientY - area.top) / size)];
    return row && { row, ms: low + Math.floor(((event.clientX - area.left) / area.width) * columns) * step };
  };
  canvas.addEventListener("mousemove", (event) => {
    const cell = at(event);
    if (cell) tip.textContent = `${words(cell.ms)} · ${cell.row.name}: ${format(cell.row.points.get(cell.ms) ?? 0, panel.unit, panel.decimals)}`;
  });
  if (open) {
    canvas.addEventListener("click", (event) => {
      const cell = at(event);
      if (cell) open(cell.row.labels, cell.ms, cell.ms + step);
    });
  }
  const observer = new ResizeObserver(redraw);
  observer.observe(box);
  return { element, redraw, destroy: () => observer.disconnect() };
}

function drawStates({ panel, answer, link }) {
  const all = series(answer.queries);
  const from = Date.parse(answer.from);
  const width = Date.parse(answer.to) - from;
  const step = answer.step_s * 1000;
  return {
    element: h("div", {}, h("ul", { class: "states" }, all.map((one) => {
      const blocks = [];
      for (const ms of [...one.points.keys()].sort((a, b) => a - b)) {
        const value = one.points.get(ms);
        const seen = panel.thresholds.length || value === null ? stateOf(value, panel.thresholds).state : one.value.replaceAll("_", " ");
        const state = typeof value === "string" ? value : seen;
        const before = blocks.at(-1);
        if (before && before.state === state && before.end === ms) Object.assign(before, { end: ms + step, value });
        else blocks.push({ state, start: ms, end: ms + step, value });
      }
      return h("li", {}, h("span", { class: "states-name", title: one.name }, one.name), h("span", { class: "states-line" }, blocks.map((b) => {
        const start = Math.max((b.start - from) / width, 0);
        const end = Math.min((b.end - from) / width, 1);
        const text = `${b.state}`;
        const inside = end - start > 0.12 ? text : ""; // a narrow one is told by its form, and named all the same
        const known = b.state in STATE_WORDS ? b.state : "plain";
        const title = `${one.name}: ${text} from ${words(b.start)} to ${words(Math.min(b.end, from + width))}, last ${format(b.value, panel.unit, panel.decimals)}`;
        const props = { class: `block ${known}`, title, "aria-label": title, style: { left: `${100 * start}%`, width: `${Math.max(100 * (end - start), 0.3)}%` } };
        return panel.rows ? h("a", { ...props, href: link(one.labels, b.start, b.end) }, inside) : h("span", { ...props, role: "img" }, inside);
      })));
    })), h("div", { class: "ends note states-ends" }, h("span", {}, clock(answer.from, false)), h("span", {}, clock(answer.to, false)))),
  };
}

const KINDS = { time_series: chart, stat: drawStat, bar_gauge: drawBars, table: drawTable, heat_map: drawHeat, state_timeline: drawStates };
