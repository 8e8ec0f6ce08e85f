// What is looked at stands in the address: from when to when, and what is chosen. Values stay the text they are.

const CHOSEN = "var-";
const ALL = "$__all"; // as Grafana's addresses say it, of a variable that isn't all at first

export function read(search = location.search) {
  const given = new URLSearchParams(search);
  const variables = {};
  for (const [name, value] of given) if (name.startsWith(CHOSEN)) (variables[name.slice(CHOSEN.length)] ??= []).push(value);
  for (const name of Object.keys(variables)) if (variables[name].includes(ALL)) variables[name] = [];
  return { from: given.get("from"), to: given.get("to") ?? "now", variables, step: Number(given.get("step")) || null, whole: given.get("whole") === "1", rest: given };
}

// What a board's variables are: as the address says, else as the board has them at first.
export function withDefaults(board, variables) {
  return Object.fromEntries(board.variables.map(({ name, default: first }) => [name, variables[name] ?? first]).filter(([name, values]) => values.length || variables[name]));
}

// step: seconds of an interval, else as many as fit; whole: without a first or last one that isn't.
export function search({ from, to, variables, step, whole }, more = {}) {
  const parts = new URLSearchParams();
  if (from) parts.set("from", from);
  if (to && from) parts.set("to", to);
  for (const [name, values] of Object.entries(variables ?? {})) for (const value of values?.length ? values : [ALL]) parts.append(CHOSEN + name, value);
  if (step) parts.set("step", step);
  if (whole) parts.set("whole", 1);
  for (const [name, value] of Object.entries(more)) if (value !== null && value !== undefined) parts.append(name, value);
  const text = parts.toString();
  return text ? `?${text}` : "";
}
