// Starts the page: the token, the address, the status line, light and dark.
import { alertsView } from "./alerts.js";
import { Failure, ask, failure, setToken, takeToken } from "./api.js";
import { boardView } from "./board.js";
import { h } from "./dom.js";
import { eventView } from "./event.js";
import { rowsView } from "./rows.js";
import { runbookView } from "./runbook.js";
import { sqlView } from "./sql.js";
import { ago, clock, setZone, zoneName } from "./time.js";

const STATUS_MS = 10000;
const LIVE_MS = 1000;
const main = document.getElementById("main");
const nav = document.getElementById("boards");
const status = document.getElementById("status");
let start = null;
let view = null;
const stored = new Set();

// --- light and dark

const THEMES = { system: "Auto", light: "Light", dark: "Dark" };
const themeButton = document.getElementById("theme");
function setTheme(name) {
  document.documentElement.dataset.theme = name;
  themeButton.textContent = `◐ ${THEMES[name]}`;
  themeButton.setAttribute("aria-label", `Theme ${THEMES[name]}: light or dark`);
  localStorage.setItem("watchline-theme", name);
  view?.redraw?.();
}
themeButton.addEventListener("click", () => {
  const names = Object.keys(THEMES);
  setTheme(names[(names.indexOf(document.documentElement.dataset.theme) + 1) % names.length]);
});
setTheme(localStorage.getItem("watchline-theme") in THEMES ? localStorage.getItem("watchline-theme") : "system");
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => view?.redraw?.());

// --- where we are

function go(address) {
  history.pushState(null, "", address);
  show();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (link.origin !== location.origin || link.hasAttribute("download")) return;
  if (link.pathname === location.pathname && link.search === location.search && link.hash) return;
  event.preventDefault();
  go(link.pathname + link.search + link.hash);
});
addEventListener("popstate", () => show(false));

function show(focus = true) {
  const [, kind, name] = location.pathname.split("/").map(decodeURIComponent);
  view?.destroy?.();
  const { boards } = start;
  if (kind === "event") view = eventView({ id: name });
  else if (kind === "rows") view = rowsView({ boards });
  else if (kind === "runbook") view = runbookView({ name: name ?? "" });
  else if (kind === "alerts") view = alertsView({ boards, has: start.alerts });
  else if (kind === "sql") view = sqlView(start);
  else {
    const board = kind === "board" ? boards.find(({ uid }) => uid === name) : boards[0];
    if (board) view = boardView({ board, alerts: start.alerts, go, look: watch, onStored: (callback) => { stored.add(callback); return () => stored.delete(callback); } });
    else view = { element: h("div", {}, h("h1", {}, "Watchline"), h("p", { class: "failure" }, "There is no such board.")), title: "Watchline" };
  }
  document.title = `${view.title} · Watchline`;
  main.replaceChildren(view.element);
  if (focus) {
    main.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
  const here = kind === "board" || kind === undefined || kind === "" ? `/board/${name ?? boards[0]?.uid}` : `/${kind}`;
  for (const link of nav.querySelectorAll("a")) {
    if (new URL(link.href).pathname === here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

// --- the status line

let lastStored = null;
let statusTimer = null;
async function watch() {
  clearTimeout(statusTimer);
  if (!document.hidden) {
    let state = "ok";
    let words;
    try {
      const got = await ask("status");
      const now = Date.parse(got.now);
      const since = (time) => (time ? `${ago(now - Date.parse(time))} ago` : "unknown");
      const late = got.stored_at && now - Date.parse(got.stored_at) > 600000;
      state = late ? "warning" : "ok";
      words = [["store", "answers"], ["last stored", got.stored_at ? since(got.stored_at) : "nothing came"], ["complete up to", got.watermark ? clock(got.watermark) : "unknown"]];
      if (got.stored_at && lastStored !== null && got.stored_at !== lastStored) stored.forEach((callback) => callback());
      lastStored = got.stored_at ?? lastStored ?? "";
    } catch (error) {
      state = "critical";
      if (error instanceof Failure && error.kind === "token") return signIn("The token is no longer good.");
      words = [["store", error instanceof Failure ? error.words : error.message]];
    }
    status.className = state;
    status.replaceChildren(...words.map(([name, value]) => h("span", {}, h("span", { class: "note" }, `${name} `), value)), h("span", { class: "note" }, zoneName()));
    status.title = "Whether the store answers, when something was stored last, and up to when the monitors have looked at all events";
  }
  const live = sessionStorage.getItem("watchline-refresh") === "1" && stored.size;
  statusTimer = setTimeout(watch, live ? LIVE_MS : STATUS_MS);
}
document.addEventListener("visibilitychange", () => document.hidden || (start && watch()));

// --- who may look

function signIn(why) {
  clearTimeout(statusTimer);
  view?.destroy?.();
  view = null;
  const token = h("input", { type: "password", id: "token", autocomplete: "off", required: true });
  main.replaceChildren(h("form", {
    class: "sign-in",
    onsubmit: (event) => { event.preventDefault(); setToken(token.value.trim().replace(/^.*#token=/, "")); begin(); },
  }, h("h1", {}, "Watchline"), h("p", {}, why), h("label", { for: "token" }, "Token, or the link that `watchline page` printed"), token, h("button", { type: "submit" }, "Open")));
  token.focus();
}

async function begin() {
  try {
    start = await ask("start");
  } catch (error) {
    if (error instanceof Failure && error.kind === "token") signIn("A link that somebody shared brings no token: bring one of your own.");
    else main.replaceChildren(failure(error), h("p", {}, h("button", { type: "button", onclick: begin }, "Try again")));
    return;
  }
  setZone(start.zone);
  const links = [...start.boards.map(({ uid, title }) => [`/board/${encodeURIComponent(uid)}`, title]), ...(start.alerts ? [["/alerts", "Alerts"]] : []), ["/sql", "SQL"]];
  nav.replaceChildren(h("ul", {}, links.map(([href, title]) => h("li", {}, h("a", { href }, title)))));
  show(false);
  watch();
}

takeToken();
begin();
