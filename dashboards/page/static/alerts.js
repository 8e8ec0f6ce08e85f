// The alerts of Watchline's own engine: what fires, where that shows, silences.
import { ask, failure } from "./api.js";
import { h, say } from "./dom.js";
import { UNKNOWN, count } from "./format.js";
import { search } from "./state.js";
import { plain } from "./table.js";
import { shown } from "./text.js";
import { ago, fromInput, forInput, words, zoneName } from "./time.js";

const EVERY_MS = 10000;
const ORDER = ["firing", "error", "no_data", "pending", "recovering", "normal"];
const WORDS = { no_data: "nothing came" };
const STATES = { firing: "critical", error: "warning", no_data: "warning", pending: "warning", recovering: "unknown", normal: "ok" };
const MARGIN_MS = 30 * 60000; // before the window: what it was like
const HOURS = [[1, "1 hour"], [4, "4 hours"], [12, "12 hours"], [24, "1 day"]];

const whoInput = () => h("input", { type: "text", required: true, "aria-label": "Your name", placeholder: "your name", value: sessionStorage.getItem("watchline-who") ?? "", autocomplete: "off" });

function inWords(matcher) {
  const exact = /^(\w+)=(".*")$/s.exec(matcher);
  try {
    return exact ? `${exact[1]}: ${JSON.parse(exact[2])}` : matcher;
  } catch {
    return matcher; // the engine says what is wrong with it
  }
}

export function alertsView({ boards, has }) {
  const list = h("div", {}, h("p", { class: "note" }, "Loading …"));
  const element = h("div", { class: "alerts" }, h("h1", {}, "Alerts"));
  const asked = new URLSearchParams(location.search).getAll("matcher"); // of a notification's link
  if (has && asked.length) element.append(silenceForm(asked, () => history.replaceState(null, "", location.pathname)));
  element.append(list);
  if (!has) {
    list.replaceChildren(h("p", { class: "note empty" }, "Watchline's own engine is off here: Grafana evaluates the alert rules, or nobody does."));
    return { element, title: "Alerts" };
  }
  let timer = null;
  let editing = false;

  async function refresh() {
    clearTimeout(timer);
    if (!editing && !document.hidden) {
      try {
        const { alerts, silences, history } = await ask("alerts");
        if (!editing) paint(alerts, silences, history);
      } catch (error) {
        list.replaceChildren(failure(error));
      }
    }
    if (element.isConnected) timer = setTimeout(refresh, EVERY_MS);
  }

  function paint(alerts, silences, history) {
    const sorted = [...alerts].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || String(a.since).localeCompare(String(b.since)));
    const firing = sorted.filter(({ state, silenced_by: silenced }) => state === "firing" && !silenced).length;
    const held = silences.filter(({ holds }) => holds !== false);
    const summary = firing ? `${count(firing, "alert")} ${firing === 1 ? "fires" : "fire"}` : "Nothing fires.";
    say(summary);
    const show = sorted.filter(({ state }) => state !== "normal");
    list.replaceChildren(
      h("p", { class: `summary ${firing ? "critical" : "ok"}` }, summary),
      h("ul", { class: "alert-list" }, show.map(card)),
      h("h2", {}, "Silences"),
      held.length ? h("ul", {}, held.map((silence) => h("li", {},
        Object.entries(silence.matchers ?? {}).map(([k, v]) => h("span", { class: "chip" }, `${k}: ${v}`)),
        silence.until ? ` until ${words(silence.until).slice(0, 19)} ${zoneName()}, by` : " without an end, by",
        ` ${silence.who}: `, shown(String(silence.why ?? "")), " ",
        h("button", { type: "button", onclick: () => act("end_silence", { id: silence.id }) }, "End it")))) : h("p", { class: "note" }, "None is in force."),
      h("h2", {}, "What was"),
      history.length ? h("ul", { class: "history" }, history.map((each) => h("li", {},
        h("time", {}, words(each.at).slice(0, 19)), ` ${each.title}${each.after ? `: ${WORDS[each.before] ?? each.before} → ${WORDS[each.after] ?? each.after}` : ""} `,
        Object.values(each.labels ?? {}).map((value) => h("span", { class: "chip" }, shown(String(value)))), " ", shown(String(each.reason ?? "")),
      ))) : h("p", { class: "note" }, "Nothing yet."));
  }

  async function act(name, body) {
    try {
      await ask(name, body);
      editing = false;
      await refresh();
      return true;
    } catch (error) {
      list.prepend(failure(error));
      return false;
    }
  }

  function card(alert) {
    const board = boards.find(({ uid }) => uid === alert.board);
    const labels = Object.entries(alert.labels ?? {});
    const names = new Set(board?.variables.map(({ name }) => name));
    const variables = Object.fromEntries(labels.filter(([name]) => names.has(name)).map(([name, value]) => [name, [String(value)]]));
    const window = alert.from && alert.to ? { from: new Date(Date.parse(alert.from) - MARGIN_MS).toISOString(), to: new Date(Math.min(Date.parse(alert.to) + MARGIN_MS, Date.now())).toISOString() } : {};
    const panel = board?.sections.flatMap(({ panels }) => panels).find(({ id }) => id === alert.panel);
    const rows = panel?.rows && window.from ? `/rows${search({ from: alert.from, to: alert.to, variables: {} }, { board: alert.board, panel: alert.panel, ...Object.fromEntries(labels.map(([k, v]) => [`label-${k}`, v])) })}` : null;
    const place = h("div", {});
    const who = whoInput();
    const since = alert.started ?? alert.since;
    return h("li", { class: `alert ${STATES[alert.state] ?? "unknown"}${alert.silenced_by ? " silenced" : ""}` },
      h("div", { class: "alert-head" }, h("span", { class: `state ${STATES[alert.state] ?? "unknown"}` }, WORDS[alert.state] ?? alert.state), h("h2", {}, alert.title ?? alert.rule), h("span", { class: "note" }, alert.severity)),
      h("p", {}, shown(String(alert.summary || UNKNOWN))),
      alert.description ? h("p", { class: "note" }, shown(String(alert.description))) : null,
      h("p", { class: "chips" }, labels.map(([k, v]) => h("span", { class: "chip" }, `${k}: ${v}`))),
      Object.keys(alert.details ?? {}).length ? h("dl", {}, Object.entries(alert.details).map(([k, v]) => [h("dt", {}, k.replaceAll("_", " ")), h("dd", {}, shown(v === null ? UNKNOWN : String(plain(v))))])) : null,
      h("p", { class: "note" }, since ? `since ${words(since).slice(0, 19)} ${zoneName()}, for ${ago(Date.now() - Date.parse(since))}` : "since: unknown",
        alert.acknowledged_by ? ` · ${alert.acknowledged_by} looks at it` : "", alert.silenced_by ? " · silenced" : ""),
      h("div", { class: "buttons" },
        board ? h("a", { class: "button", href: `/board/${encodeURIComponent(board.uid)}${search({ ...window, variables })}${panel ? `#panel-${board.uid}-${panel.id}` : ""}` }, "Show it then") : null,
        rows ? h("a", { class: "button", href: rows }, "Rows") : null,
        alert.acknowledged_by ? null : h("button", { type: "button", onclick: () => {
          editing = true;
          const form = h("form", { class: "buttons", onsubmit: (event) => { event.preventDefault(); sessionStorage.setItem("watchline-who", who.value); act("acknowledge", { rule: alert.rule, labels: alert.labels, who: who.value }); } }, who, h("button", { type: "submit" }, "I look at it"));
          place.replaceChildren(form);
          who.focus();
        } }, "Acknowledge"),
        h("button", { type: "button", onclick: () => { editing = true; place.replaceChildren(silenceForm(Object.entries({ rule: alert.rule, ...alert.labels }).map(([k, v]) => `${k}=${JSON.stringify(String(v))}`))); } }, "Silence")),
      place, alert.runbook ? h("p", {}, h("a", { href: `/runbook/${encodeURIComponent(alert.runbook)}` }, "Runbook")) : null);
  }

  // matchers: as the engine writes them, NAME="VALUE" or NAME=~"PATTERN".
  function silenceForm(matchers, done = () => {}) {
    const chosen = new Set(matchers);
    const who = whoInput();
    const until = h("select", { "aria-label": "For how long" }, HOURS.map(([hours, name]) => h("option", { value: hours }, `for ${name}`)), h("option", { value: "" }, "until …"));
    const exact = h("input", { type: "datetime-local", "aria-label": "Until", hidden: true, value: forInput(Date.now() + 3600000) });
    until.addEventListener("change", () => (exact.hidden = until.value !== ""));
    const why = h("input", { type: "text", required: true, "aria-label": "Why", placeholder: "why", autocomplete: "off" });
    const preview = h("p", { class: "note", "aria-live": "polite" });
    const look = async () => {
      if (!chosen.size) {
        preview.textContent = "Choose a label: without one it would quieten everything.";
        return;
      }
      try {
        const { alerts } = await ask("preview", { matchers: [...chosen] });
        preview.textContent = `It would quieten ${count(alerts.length, "alert")} of now: ${alerts.map((a) => `${a.title ?? a.rule} (${Object.values(a.labels ?? {}).join(", ")})`).join("; ") || "none"}`;
      } catch (error) {
        preview.textContent = error.words ?? error.message;
      }
    };
    const close = (form) => { form.remove(); done(); };
    look();
    return h("form", {
      class: "silence",
      onsubmit: async (event) => {
        event.preventDefault();
        sessionStorage.setItem("watchline-who", who.value);
        const form = event.target;
        const end = until.value ? new Date(Date.now() + Number(until.value) * 3600000).toISOString() : fromInput(exact.value);
        if (await act("silence", { matchers: [...chosen], until: end, who: who.value, why: why.value })) close(form);
      },
    },
    h("fieldset", {}, h("legend", {}, "Silence what has"), matchers.map((matcher) => h("label", {}, h("input", {
      type: "checkbox", checked: true, onchange: (event) => { if (event.target.checked) chosen.add(matcher); else chosen.delete(matcher); look(); },
    }), shown(inWords(matcher))))),
    preview, h("div", { class: "buttons" }, until, exact, who, why, h("button", { type: "submit" }, "Silence"),
      h("button", { type: "button", class: "quiet", onclick: (event) => { editing = false; close(event.target.closest("form")); } }, "Cancel")));
  }

  const seen = () => document.hidden || refresh();
  document.addEventListener("visibilitychange", seen);
  setTimeout(refresh, 0);
  return { element, title: "Alerts", destroy: () => { clearTimeout(timer); document.removeEventListener("visibilitychange", seen); } };
}
