// CSV that a spreadsheet doesn't run: a text that begins with = + - @ ' a tab or a line break gets a ' before it.
// Take one ' off the front of a text to have what was there. Numbers stay numbers; a value that isn't known is empty.
import { h } from "./dom.js";

const RUN = /^[=+\-@'\t\r\n＝＋－＠]/;

function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  let text = typeof value === "string" ? value : JSON.stringify(value);
  if (RUN.test(text)) text = `'${text}`;
  return /[",\r\n\t;']/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function csv(columns, rows) {
  return [columns, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

export function save(name, columns, rows) {
  const url = URL.createObjectURL(new Blob(["\ufeff", csv(columns, rows)], { type: "text/csv;charset=utf-8" }));
  h("a", { href: url, download: `${name.replaceAll(/[^\w-]+/g, "-").toLowerCase()}.csv` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
