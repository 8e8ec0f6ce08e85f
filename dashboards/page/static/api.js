// Asks the server. The token stays in this tab: never in an address, a cookie or a file.
import { h } from "./dom.js";

const KEY = "watchline-token";
const MOST_AT_ONCE = 3; // as many as the server's threads
const WORDS = {
  away: "The store doesn't answer",
  slow: "Too slow",
  permission: "No permission",
  refused: "Refused",
  fault: "Failed",
  server: "The page's server doesn't answer",
};

let running = 0;
const waiting = [];

export class Failure extends Error {
  constructor(kind, text) {
    super(text);
    this.kind = kind;
  }
  get words() {
    return `${WORDS[this.kind] ?? "Failed"}: ${this.message}`;
  }
}

export function takeToken() {
  const given = /^#token=(.+)$/.exec(location.hash);
  if (given) {
    sessionStorage.setItem(KEY, decodeURIComponent(given[1]));
    history.replaceState(null, "", location.pathname + location.search);
  }
  return sessionStorage.getItem(KEY) ?? "";
}

export function setToken(token) {
  sessionStorage.setItem(KEY, token);
}

async function turn(signal) {
  if (running >= MOST_AT_ONCE) await new Promise((resolve) => waiting.push(resolve));
  signal?.throwIfAborted();
}

export async function ask(name, body = {}, signal = undefined) {
  await turn(signal).catch((error) => {
    waiting.shift()?.();
    throw error;
  });
  running += 1;
  try {
    let response;
    try {
      response = await fetch(`/api/${name}`, {
        method: "POST",
        headers: { Authorization: `Bearer ${sessionStorage.getItem(KEY) ?? ""}`, "Content-Type": "application/json" },
        body: JSON.stringify(body),
        signal,
        credentials: "omit",
        referrerPolicy: "no-referrer",
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new Failure("server", "is `watchline page` still running?");
    }
    let answer;
    try {
      answer = await response.json();
    } catch {
      throw new Failure("server", `it answered with status ${response.status}`);
    }
    if (!response.ok) throw new Failure(answer.kind, answer.error);
    return answer;
  } finally {
    running -= 1;
    waiting.shift()?.();
  }
}

// What a view shows in place of what it could not get.
export function failure(error) {
  const words = error instanceof Failure ? error.words : `Failed: ${error.message}`;
  return h("p", { class: "failure", role: "alert" }, words);
}
