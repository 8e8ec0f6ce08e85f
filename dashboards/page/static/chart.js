// Lines over time, by uPlot. A line is broken where a value is NULL, and only there.
import uPlot from "./vendor/uplot/uPlot.esm.min.js";
import { colour, h } from "./dom.js";
import { format } from "./format.js";
import { series, times } from "./series.js";
import { clock, day, words, zoneName } from "./time.js";

const HEIGHT = 190;
const COLOURS = 8;
const DASHES = [[], [6, 3], [2, 3], [8, 3, 2, 3]]; // told apart without colour too

// given: {panel, answer, marks, open(labels, from, to), select(from, to)}. Gives {element, destroy}.
export function chart(given) {
  const { panel, answer, marks, open, select } = given;
  const all = series(answer.queries);
  const xs = times(all);
  const data = [
    xs.map((ms) => ms / 1000),
    // undefined: this series has no value there, and its line goes on; null: the value isn't known, and it doesn't.
    ...all.map(({ points }) => xs.map((ms) => (points.has(ms) ? points.get(ms) : undefined))),
  ];
  const from = Date.parse(answer.from) / 1000;
  const to = Date.parse(answer.to) / 1000;
  const step = answer.step_s;
  const partial = (x) => x < from || x + step > to;
  const values = all.map(() => h("span", { class: "value" }));
  const when = h("span", { class: "note when" });
  const legend = h("ul", { class: "legend" }, all.map((one, i) => h("li", {}, h("button", {
    type: "button", "aria-pressed": "true", title: Object.entries(one.labels).map(([k, v]) => `${k}: ${v}`).join("\n"),
    onclick: (event) => {
      const on = event.currentTarget.getAttribute("aria-pressed") !== "true";
      event.currentTarget.setAttribute("aria-pressed", String(on));
      plot.setSeries(i + 1, { show: on });
    },
  }, h("span", { class: "swatch", style: { borderTopColor: `var(--line-${(i % COLOURS) + 1})`, borderTopStyle: i < COLOURS ? "solid" : "dashed" } }), one.name, " ", values[i]))));
  const place = h("div", { class: "plot" });
  const element = h("div", {}, place, when, legend);

  // The last interval that is whole: one that isn't yet would look like a fall.
  const last = (one) => {
    const points = [...one.points.entries()].sort((a, b) => b[0] - a[0]);
    return (points.find(([ms]) => !partial(ms / 1000)) ?? points[0])?.[1];
  };
  function tell(index) {
    all.forEach((one, i) => {
      const value = index === null ? last(one) : data[i + 1][index];
      values[i].textContent = value === undefined ? "–" : format(value, panel.unit, panel.decimals);
    });
    when.textContent = index === null
      ? `last values · ${zoneName()}`
      : `${words(xs[index])} ${zoneName()}${partial(xs[index] / 1000) ? " · part of an interval" : ""}`;
  }

  let pressed = null;
  const wide = (to - from) > 2 * 86400;
  const options = {
    width: 400, height: HEIGHT, legend: { show: false }, tzDate: (s) => uPlot.tzDate(new Date(s * 1000), zoneName()),
    cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 7 }, focus: { prox: 24 } },
    focus: { alpha: 0.35 },
    scales: {
      x: { time: true, range: [from, to] },
      y: {
        range: (_, low, high) => {
          if (low === null || low === undefined) return [0, 1];
          const top = panel.unit === "ratio" ? Math.min(Math.max(high * 1.15, 0.1), 1.02) : high * 1.15 || 1;
          return [Math.min(low, 0), Math.max(top, high)];
        },
      },
    },
    axes: [
      {
        stroke: () => colour("dim"), grid: { stroke: () => colour("grid"), width: 1 }, ticks: { show: false }, size: 24, font: "11px system-ui",
        values: (_, splits) => splits.map((s, i) => {
          const midnight = clock(s * 1000, false) === "00:00";
          const first = i === 0 || day(splits[i - 1] * 1000) !== day(s * 1000);
          return (wide || i > 0) && first && (midnight || wide) ? day(s * 1000).slice(5) : clock(s * 1000, false);
        }),
      },
      {
        stroke: () => colour("dim"), grid: { stroke: () => colour("grid"), width: 1 }, ticks: { show: false }, size: 58, font: "11px system-ui",
        values: (_, splits) => splits.map((v) => format(v, panel.unit, panel.decimals)),
      },
    ],
    series: [{}, ...all.map((one, i) => ({
      label: one.name, stroke: () => colour(`line-${(i % COLOURS) + 1}`), width: 1.5, spanGaps: false,
      dash: DASHES[Math.floor(i / COLOURS) % DASHES.length], points: { size: 4, show: one.points.size < 40 },
    }))],
    hooks: {
      setCursor: [(u) => tell(u.cursor.left >= 0 ? (u.cursor.idx ?? null) : null)],
      setSelect: [(u) => {
        if (u.select.width < 8) return;
        const range = [u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x")];
        u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        pressed = null;
        select(range[0] * 1000, range[1] * 1000);
      }],
      draw: [(u) => drawOver(u)],
    },
  };

  function drawOver(u) {
    const { ctx, bbox } = u;
    const ratio = devicePixelRatio;
    const x = (s) => Math.round(u.valToPos(s, "x", true));
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    if (xs.length) { // the first and last interval, where they are not whole
      ctx.fillStyle = colour("shade");
      const first = Math.ceil(from / step) * step;
      const end = Math.floor(to / step) * step;
      if (first > from) ctx.fillRect(bbox.left, bbox.top, x(first) - bbox.left, bbox.height);
      if (end < to) ctx.fillRect(x(end), bbox.top, bbox.left + bbox.width - x(end), bbox.height);
    }
    ctx.lineWidth = ratio;
    for (const [at, state] of panel.thresholds) {
      const y = Math.round(u.valToPos(at, "y", true));
      if (y < bbox.top) continue;
      ctx.strokeStyle = colour(state);
      ctx.setLineDash([4 * ratio, 4 * ratio]);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
    }
    for (const mark of marks) {
      const at = x(Date.parse(mark.time) / 1000);
      ctx.strokeStyle = colour(mark.name === "signals" ? "critical" : "accent");
      ctx.setLineDash(mark.name === "signals" ? [] : [2 * ratio, 2 * ratio]);
      ctx.beginPath();
      ctx.moveTo(at, bbox.top);
      ctx.lineTo(at, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  }

  const plot = new uPlot(options, data, place);
  if (open) {
    plot.over.classList.add("clickable");
    plot.over.addEventListener("mousedown", (event) => (pressed = [event.clientX, event.clientY]));
    plot.over.addEventListener("click", (event) => {
      if (!pressed || Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]) > 4) return;
      const index = plot.cursor.idx;
      if (index === null || index === undefined) return;
      const y = event.clientY - plot.over.getBoundingClientRect().top;
      let nearest = null;
      all.forEach((_, i) => {
        const value = data[i + 1][index];
        if (value === null || value === undefined || !plot.series[i + 1].show) return;
        const distance = Math.abs(plot.valToPos(value, "y") - y);
        if (nearest === null || distance < nearest.distance) nearest = { i, distance };
      });
      if (nearest) open(all[nearest.i].labels, xs[index], xs[index] + step * 1000);
    });
  }
  tell(null);
  const observer = new ResizeObserver(() => {
    if (place.clientWidth) plot.setSize({ width: place.clientWidth, height: HEIGHT });
  });
  observer.observe(place);
  return {
    element,
    redraw: () => plot.redraw(),
    destroy: () => {
      observer.disconnect();
      plot.destroy();
    },
  };
}
