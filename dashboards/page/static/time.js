// Times, all in the one zone that the server names.

let zone = "UTC";
let formatter;

export function setZone(name) {
  zone = name;
  formatter = new Intl.DateTimeFormat("en-GB", {
    timeZone: name, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit",
    minute: "2-digit", second: "2-digit",
  });
}
setZone(zone);
export const zoneName = () => zone;

function parts(ms) {
  return Object.fromEntries(formatter.formatToParts(new Date(ms)).map(({ type, value }) => [type, value]));
}

export const toMs = (time) => (typeof time === "number" ? time : Date.parse(time));

// 2026-11-30 04:59:14, with as much of a second as the text has.
export function words(time) {
  const ms = toMs(time);
  if (time === null || time === undefined || Number.isNaN(ms)) return "unknown";
  const p = parts(ms);
  const fraction = typeof time === "string" ? (/\.(\d+?)0*Z?$/.exec(time)?.[1] ?? "") : "";
  return `${p.year}-${p.month}-${p.day} ${p.hour}:${p.minute}:${p.second}${fraction ? `.${fraction}` : ""}`;
}

export function clock(time, seconds = true) {
  const p = parts(toMs(time));
  return seconds ? `${p.hour}:${p.minute}:${p.second}` : `${p.hour}:${p.minute}`;
}

export const day = (time) => words(toMs(time)).slice(0, 10);

// What an input of type datetime-local holds.
export const forInput = (time) => words(toMs(time)).replace(" ", "T");

// The moment that a clock of the zone shows so; ISO 8601 in UTC.
export function fromInput(text) {
  const naive = Date.parse(`${text}Z`);
  const offset = (ms) => Date.parse(`${words(ms).replace(" ", "T")}Z`) - ms;
  const guess = naive - offset(naive);
  return new Date(naive - offset(guess)).toISOString();
}

export function ago(ms) {
  const s = Math.max(Math.round(ms / 1000), 0);
  if (s < 90) return `${s} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  if (s < 129600) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86400)} days`;
}
