// Numbers with their units, as Grafana writes them.

export const UNKNOWN = "unknown";

function scaled(value, steps, base, decimals) {
  let size = Math.abs(value);
  let step = 0;
  while (size >= base && step < steps.length - 1) {
    size /= base;
    step += 1;
  }
  return `${round(value / base ** step, decimals)}${steps[step]}`;
}

function round(value, decimals) {
  if (decimals !== null && decimals !== undefined) return value.toFixed(decimals);
  const size = Math.abs(value);
  const digits = size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : size >= 0.1 || size === 0 ? 2 : 4;
  const text = value.toFixed(digits);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

const SECONDS = [[1e-6, 1e-9, " ns"], [1e-3, 1e-6, " µs"], [1, 1e-3, " ms"], [60, 1, " s"], [3600, 60, " min"],
  [86400, 3600, " h"], [Infinity, 86400, " days"]];

function seconds(value, decimals) {
  if (value === 0) return "0 s";
  const [, size, name] = SECONDS.find(([below]) => Math.abs(value) < below);
  return round(value / size, decimals) + name;
}

const SHORT = ["", " K", " Mil", " Bil", " Tri"];

export function format(value, unit, decimals = null) {
  if (value === null || value === undefined) return UNKNOWN;
  if (typeof value !== "number") return String(value);
  switch (unit) {
    case "ratio":
      return `${round(value * 100, decimals)} %`;
    case "seconds":
      return seconds(value, decimals);
    case "per_second":
      return `${scaled(value, SHORT, 1000, decimals)}/s`;
    case "usd":
      return `${value < 0 ? "-" : ""}$${scaled(Math.abs(value), SHORT, 1000, decimals)}`;
    case "bytes":
      return scaled(value, [" B", " KiB", " MiB", " GiB", " TiB"], 1024, decimals);
    case "none":
      return round(value, decimals);
    default:
      return scaled(value, SHORT, 1000, decimals);
  }
}

// The state that thresholds give a value: the last one that it reaches.
export function stateOf(value, thresholds) {
  if (typeof value !== "number") return { state: "unknown", words: UNKNOWN };
  let found = { state: "ok", at: null };
  for (const [at, state] of [...thresholds].sort((a, b) => a[0] - b[0])) if (value >= at) found = { state, at };
  return found;
}

export const count = (n, one, many = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
