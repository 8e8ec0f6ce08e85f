// One event whole.
import { ask, failure } from "./api.js";
import { copy, h } from "./dom.js";
import { UNKNOWN, count, format } from "./format.js";
import { shown, textBox } from "./text.js";
import { words } from "./time.js";

const GROUPS = { conversation: "Conversation", documents: "Documents", "tool calls": "Tool calls", variables: "Prompt variables", attributes: "Attributes" };
const FACTS = {
  "What it was": ["time", "app", "environment", "tenant", "source", "operation", "cancelled", "is_step", "finish_reasons", "error_type", "conversation_id", "subject", "trace_id", "span_id", "response_id"],
  "Versions": ["prompt_name", "prompt_version", "prompt_hash", "model", "request_model", "response_model", "provider", "system_fingerprint", "document_set", "variant", "request_parameters"],
  "Time and cost": ["latency_s", "time_to_first_chunk_s", "input_tokens", "output_tokens", "cache_read_input_tokens", "cache_write_input_tokens", "reasoning_output_tokens", "cost"],
  "Where it came from": ["stored_at", "raw_topic_id", "raw_partition", "raw_offset", "raw_index", "producer_id", "producer_sequence", "producer_dropped"],
  "What was changed": ["redactions", "truncated", "unreadable", "invalid_fields"],
};
const ALWAYS = new Set(["time", "app", "model", "prompt_version", "latency_s", "cost", "redactions"]);
const NONE = { redactions: "none", prompt_version: UNKNOWN };

function fact(name, value) {
  if (value === null || value === undefined || value === "") return UNKNOWN;
  if (Array.isArray(value)) return value.join(", ");
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "object") return Object.entries(value).map(([k, v]) => `${k}: ${v}`).join(", ");
  if (name === "time" || name === "stored_at") return words(value);
  if (name.endsWith("_s")) return format(value, "seconds");
  if (name === "cost") return format(value, "usd");
  if (name === "is_step" || name === "cancelled") return value ? "yes" : "no";
  return String(value);
}

const isEmpty = (value) => value === null || value === undefined || value === "" || value === false || value === 0
  || (typeof value === "object" && Object.keys(value).length === 0);

function facts(event) {
  return Object.entries(FACTS).map(([title, names]) => {
    const there = names.filter((name) => ALWAYS.has(name) || name.startsWith("raw_") || name.startsWith("producer_") || !isEmpty(event.facts[name]));
    if (!there.length) return null;
    return h("section", { class: "card" }, h("h2", {}, title), h("dl", {}, there.map((name) => {
      const value = event.facts[name];
      const text = isEmpty(value) && name in NONE ? NONE[name] : fact(name, value);
      return [h("dt", {}, name.replace(/_s$/, "").replace(/^raw_/, "Kafka ").replaceAll("_", " ")), h("dd", {}, shown(text))];
    })));
  });
}

function goTo(id) {
  const target = document.getElementById(id);
  if (!target) return;
  target.scrollIntoView({ block: "center" });
  target.focus({ preventScroll: true });
}

function finding(each) {
  const state = each.alert ? "critical" : each.flagged ? "warning" : each.decision === "evaluated" ? "ok" : "unknown";
  const verdict = each.alert ? "alert" : each.flagged ? "flagged" : each.decision === "evaluated" ? "not flagged" : each.decision.replaceAll("_", " ");
  const limits = [["threshold", each.threshold], ["alert from", each.alert_threshold]].filter(([, v]) => v !== null && v !== undefined);
  const details = [
    each.score === null ? null : `score ${each.score.toFixed(3)}`, ...limits.map(([name, v]) => `${name} ${v.toFixed(3)}`),
    each.severity && each.severity !== "none" ? `severity ${each.severity}` : null, each.reason ? `reason: ${each.reason}` : null,
  ].filter(Boolean).join(" · ");
  const scores = Object.entries(each.scores ?? {}).filter(([, v]) => v >= 0.001).sort((a, b) => b[1] - a[1]);
  return h("li", { class: "finding" },
    h("div", { class: "finding-head" }, h("b", {}, each.detector), h("span", { class: `state ${state}` }, verdict)),
    details ? h("p", { class: "note" }, shown(details)) : null,
    scores.length ? h("p", { class: "note" }, scores.map(([name, v]) => `${name} ${v.toFixed(3)}`).join(", ")) : null,
    each.spans.map((span) => h("div", { class: "found" },
      h("button", { type: "button", class: "quiet go", onclick: () => goTo(`span-${span.number}`), "aria-label": `Go to span ${span.number} in the text` }, String(span.number)),
      h("div", {}, h("p", {}, h("b", {}, span.label), h("span", { class: "note" }, ` ${span.score.toFixed(3)} · ${span.field}`)),
        h("blockquote", {}, shown(span.text)),
        span.evidence.map((item) => h("div", { class: "held" },
          h("p", { class: "note" }, "held against ", h("button", { type: "button", class: "quiet go", onclick: () => goTo(`evidence-${span.number}`) }, item.field), ` ${item.score.toFixed(3)}`),
          h("blockquote", {}, shown(item.text))))))),
    h("p", { class: "note small" }, `version ${each.detector_version || UNKNOWN}, calibration ${each.calibration_version || "none"}, ${format(each.scored_fraction, "ratio")} of the text`));
}

export function eventView({ id }) {
  const element = h("div", { class: "event" }, h("h1", {}, "Event"), h("p", { class: "note" }, "Loading …"));
  (async () => {
    let event;
    try {
      event = await ask("event", { event_id: id });
    } catch (error) {
      element.replaceChildren(h("h1", {}, "Event"), failure(error));
      return;
    }
    const firsts = new Set();
    const groups = Object.entries(GROUPS).map(([group, title]) => {
      const texts = event.texts.filter((text) => text.group === group);
      if (!texts.length) return null;
      return h("section", {}, h("h2", {}, title), texts.map((text) => h("div", { class: `message ${text.title.split(" ")[0]}` },
        h("h3", {}, shown(text.title)), textBox(event.event_id, text, firsts))));
    });
    const flagged = event.findings.filter((f) => f.flagged).length;
    const order = (f) => (f.alert ? 0 : f.flagged ? 1 : f.decision === "evaluated" ? 2 : 3);
    const planned = Object.keys(event.facts.planned ?? {}).filter((name) => !event.findings.some((f) => f.detector === name));
    element.replaceChildren(
      h("div", { class: "head" }, h("h1", {}, "Event ", h("span", { class: "id" }, event.event_id)),
        h("button", { type: "button", class: "quiet", onclick: (e) => copy(event.event_id, e.currentTarget) }, "Copy id"),
        h("button", { type: "button", class: "quiet", onclick: (e) => copy(location.origin + location.pathname, e.currentTarget) }, "Copy link")),
      h("p", { class: "note" }, `${words(event.facts.time)} · ${event.facts.app} · ${flagged ? `${count(flagged, "detector")} flagged it` : "no detector flagged it"}`),
      h("div", { class: "two" },
        h("div", { class: "texts" }, groups),
        h("aside", { "aria-label": "Findings and facts" },
          h("section", { class: "card" }, h("h2", {}, "Findings"), event.findings.length || planned.length ? h("ul", { class: "findings" },
            [...event.findings].sort((a, b) => order(a) - order(b)).map(finding),
            planned.map((name) => h("li", { class: "finding" }, h("div", { class: "finding-head" }, h("b", {}, name), h("span", { class: "state unknown" }, "missing")), h("p", { class: "note" }, "It was planned, and no finding came.")))) : h("p", { class: "note" }, "No detector was planned.")),
          event.feedback.length ? h("section", { class: "card" }, h("h2", {}, "Feedback"), event.feedback.map((each) =>
            h("p", {}, `${words(each.time)} · rating ${each.rating ?? UNKNOWN} `, each.comment ? h("q", {}, shown(each.comment)) : null))) : null,
          facts(event))));
  })();
  return { element, title: "Event" };
}
