// Rows of a panel's queries as series: time, labels that are text, and one number.

const isTime = (name) => name === "time";

// [{name, labels, points: Map of ms to a number or null}], and the columns' roles.
export function series(queries) {
  const found = new Map();
  for (const [query, { columns, rows }] of Object.entries(queries)) {
    const at = columns.findIndex(isTime);
    const numbers = columns
      .map((_, i) => i)
      .filter((i) => i !== at && rows.some((r) => typeof r[i] === "number") && rows.every((r) => r[i] === null || typeof r[i] === "number"));
    const values = numbers.length ? numbers : columns.map((_, i) => i).filter((i) => i !== at).slice(-1);
    const labelled = columns.map((_, i) => i).filter((i) => i !== at && !values.includes(i));
    for (const row of rows) {
      for (const i of values) {
        const labels = Object.fromEntries(labelled.map((l) => [columns[l], row[l] === null ? "" : String(row[l])]));
        const key = JSON.stringify([query, columns[i], labels]);
        if (!found.has(key)) found.set(key, { value: columns[i], labels, points: new Map() });
        found.get(key).points.set(at < 0 ? 0 : Date.parse(row[at]), row[i]);
      }
    }
  }
  const all = [...found.values()];
  const names = [...new Set(all.flatMap(({ labels }) => Object.keys(labels)))];
  // What all have in common says nothing.
  const telling = names.filter((name) => new Set(all.map(({ labels }) => labels[name])).size > 1);
  const several = new Set(all.map(({ value }) => value)).size > 1;
  for (const one of all) {
    const words = telling.map((name) => (one.labels[name] === "" ? `no ${name}` : `${/version/.test(name) && !/\s/.test(one.labels[name]) ? "version " : ""}${one.labels[name]}`));
    if (several || !words.length) words.push(one.value.replaceAll("_", " "));
    one.name = words.join(" · ");
  }
  return all.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
}

// Without what lies in a first or last interval that the range doesn't cover whole.
export function wholeOnly(answer) {
  const [from, to] = [Date.parse(answer.from), Date.parse(answer.to)];
  const queries = Object.entries(answer.queries).map(([name, { columns, rows }]) => {
    const at = columns.findIndex(isTime);
    const whole = (row) => Date.parse(row[at]) >= from && Date.parse(row[at]) + answer.step_s * 1000 <= to;
    return [name, { columns, rows: at < 0 ? rows : rows.filter(whole) }];
  });
  return { ...answer, queries: Object.fromEntries(queries) };
}

export const times = (all) => [...new Set(all.flatMap(({ points }) => [...points.keys()]))].sort((a, b) => a - b);
