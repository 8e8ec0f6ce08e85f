// Other people's text: what can't be seen in it is shown by name, and copying it still gives the original.
import { h, copy } from "./dom.js";
import { ask } from "./api.js";
import { count, format } from "./format.js";

const NAMES = {
  0x00ad: "SOFT HYPHEN", 0x034f: "COMBINING GRAPHEME JOINER", 0x061c: "ARABIC LETTER MARK", 0x115f: "HANGUL FILLER",
  0x180e: "MONGOLIAN VOWEL SEPARATOR", 0x200b: "ZERO WIDTH SPACE", 0x200c: "ZERO WIDTH NON-JOINER",
  0x200d: "ZERO WIDTH JOINER", 0x200e: "LEFT-TO-RIGHT MARK", 0x200f: "RIGHT-TO-LEFT MARK", 0x2028: "LINE SEPARATOR",
  0x2029: "PARAGRAPH SEPARATOR", 0x202a: "LEFT-TO-RIGHT EMBEDDING", 0x202b: "RIGHT-TO-LEFT EMBEDDING",
  0x202c: "POP DIRECTIONAL FORMATTING", 0x202d: "LEFT-TO-RIGHT OVERRIDE", 0x202e: "RIGHT-TO-LEFT OVERRIDE",
  0x2060: "WORD JOINER", 0x2061: "FUNCTION APPLICATION", 0x2062: "INVISIBLE TIMES", 0x2063: "INVISIBLE SEPARATOR",
  0x2064: "INVISIBLE PLUS", 0x2066: "LEFT-TO-RIGHT ISOLATE", 0x2067: "RIGHT-TO-LEFT ISOLATE",
  0x2068: "FIRST STRONG ISOLATE", 0x2069: "POP DIRECTIONAL ISOLATE", 0x3164: "HANGUL FILLER",
  0xfeff: "ZERO WIDTH NO-BREAK SPACE", 0xfffc: "OBJECT REPLACEMENT CHARACTER", 0xffa0: "HALFWIDTH HANGUL FILLER",
};
// A joiner between parts of an emoji, or a selector after a sign, is as it should be.
const UNSEEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u180e\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\ufff9-\ufffc\uffa0]|(?<!\p{Extended_Pictographic}\ufe0f?)\u200d|[\u{e0000}-\u{e007f}]|[\u{e0100}-\u{e01ef}]/gu;

export function nameOf(character) {
  const code = character.codePointAt(0);
  const number = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  if (code > 0xe0000 && code <= 0xe007f) return `${number} TAG ${String.fromCodePoint(code - 0xe0000)}`;
  if (code >= 0xe0100) return `${number} VARIATION SELECTOR`;
  return `${number} ${NAMES[code] ?? "CONTROL"}`;
}

// Nodes of a text. The name of a character stands in a style's content: it isn't part of what is copied.
export function shown(text) {
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(UNSEEN)) {
    if (match.index > from) nodes.push(document.createTextNode(text.slice(from, match.index)));
    const name = nameOf(match[0]);
    nodes.push(h("span", { class: "unseen", "data-name": name, title: name }, match[0]));
    from = match.index + match[0].length;
  }
  if (from < text.length) nodes.push(document.createTextNode(text.slice(from)));
  return nodes;
}

// A text's pieces, with what is marked in them.
function pieces(segments, firsts) {
  return segments.map(([text, marks]) => {
    if (!marks.length) return shown(text);
    const spans = marks.filter((n) => n > 0);
    const evidence = marks.filter((n) => n < 0).map((n) => -n);
    const names = [...spans.map((n) => `span ${n}`), ...evidence.map((n) => `evidence of span ${n}`)].join(", ");
    const id = marks.map((n) => (n > 0 ? `span-${n}` : `evidence-${-n}`)).find((each) => !firsts.has(each));
    if (id) firsts.add(id);
    const label = [...spans.map(String), ...evidence.map((n) => `e${n}`)].join(" ");
    return h(
      "mark",
      { class: spans.length ? "span" : "evidence", id, tabindex: id ? "-1" : null, title: names, "data-label": label },
      shown(text),
    );
  });
}

const HUGE = 100000; // code points of one text that are in the page before older ones make room

// A text with its marks: its head, how large it is, and the rest on demand.
export function textBox(eventId, text, firsts) {
  const content = h("div", { class: "text", dir: "auto" }, pieces(text.segments, firsts));
  const box = h("div", { class: "text-box" }, content);
  let next = text.next;
  const all = h("button", { type: "button", class: "quiet" }, "Copy");
  const size = h("span", { class: "note" });
  const more = h("button", { type: "button" });
  const error = h("span", { class: "failure", role: "alert", hidden: true });
  const label = () => {
    const left = next === null ? 0 : text.characters - next;
    more.hidden = !left;
    more.textContent = `Show ${count(Math.min(left, HUGE), "more character")}`;
    const of = left ? `the first ${next.toLocaleString("en")} of ` : "";
    size.textContent = `${of}${count(text.characters, "character")}, ${format(text.bytes, "bytes")}`;
  };
  more.addEventListener("click", async () => {
    more.disabled = true;
    error.hidden = true;
    try {
      const part = await ask("text", { event_id: eventId, field: text.field, start: next });
      content.append(...pieces(part.segments, firsts).flat());
      next = part.next;
      label();
    } catch (problem) {
      error.textContent = problem.words ?? problem.message;
      error.hidden = false;
    }
    more.disabled = false;
  });
  all.addEventListener("click", async () => {
    let whole = text.segments.map(([piece]) => piece).join("");
    let at = text.next;
    while (at !== null) {
      const part = await ask("text", { event_id: eventId, field: text.field, start: at });
      whole += part.segments.map(([piece]) => piece).join("");
      at = part.next;
    }
    await copy(whole, all);
  });
  label();
  box.append(h("div", { class: "text-foot" }, size, more, all, error));
  return box;
}

// A text in a cell: its head, and the rest where it is asked for.
const CELL = 240;
const CELL_WHOLE = 20000;
export function cellText(text) {
  if (text.length <= CELL) return shown(text);
  const head = h("span", {}, shown(text.slice(0, CELL)), "…");
  const button = h(
    "button",
    {
      type: "button",
      class: "quiet",
      onclick: (event) => {
        event.stopPropagation();
        head.replaceChildren(...shown(text.slice(0, CELL_WHOLE)), text.length > CELL_WHOLE ? "…" : "");
        button.remove();
      },
    },
    `${format(text.length, "none")} characters`,
  );
  return [head, " ", button];
}
