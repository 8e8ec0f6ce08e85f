// What is looked at stands in the address: from when to when, and what is chosen. Values stay the text they are.

const CHOSEN = "var-";

export function read(search = location.search) {
  const given = new URLSearchParams(search);
  const variables = {};
  for (const [name, value] of given) if (name.startsWith(CHOSEN)) (variables[name.slice(CHOSEN.length)] ??= []).push(value);
  return { from: given.get("from"), to: given.get("to") ?? "now", variables, rest: given };
}

export function search({ from, to, variables }, more = {}) {
  const parts = new URLSearchParams();
  if (from) parts.set("from", from);
  if (to && from) parts.set("to", to);
  for (const [name, values] of Object.entries(variables ?? {})) for (const value of values ?? []) parts.append(CHOSEN + name, value);
  for (const [name, value] of Object.entries(more)) if (value !== null && value !== undefined) parts.append(name, value);
  const text = parts.toString();
  return text ? `?${text}` : "";
}
