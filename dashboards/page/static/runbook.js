// A runbook, as the repository has it: headings, lists, code and emphasis of Markdown, each drawn as text.
import { ask, failure } from "./api.js";
import { h } from "./dom.js";

const ITEM = /^( *)(-|\d+\.) +/;
const INLINE = /(`[^`]+`|\*\*[^*]+\*\*|\[[^\]]+\]\([^)]*\))/;

export function runbookView({ name }) {
  const element = h("article", { class: "runbook" }, h("p", { class: "note" }, "Loading …"));
  ask("runbook", { name }).then(
    ({ text }) => element.replaceChildren(...blocks(text.split("\n"))),
    (error) => element.replaceChildren(h("h1", {}, "Runbook"), failure(error)));
  return { element, title: `Runbook ${name.replace(/\.md$/, "")}` };
}

// Links in it lead to files of the repository: their words are shown.
function inline(text) {
  return text.split(INLINE).filter(Boolean).map((piece) => {
    if (/^`.+`$/.test(piece)) return h("code", {}, piece.slice(1, -1));
    if (/^\*\*.+\*\*$/.test(piece)) return h("strong", {}, piece.slice(2, -2));
    return /^\[(.+)\]\(.*\)$/.exec(piece)?.[1] ?? piece;
  });
}

const indent = (line) => line.length - line.trimStart().length;

// The lines from `at` on that belong together, with blank ones between them but not at the end.
function together(lines, at, belongs) {
  let end = at;
  for (let next = at; next < lines.length && (!lines[next].trim() || belongs(lines[next])); next += 1) if (lines[next].trim()) end = next + 1;
  return lines.slice(at, end);
}

function blocks(lines) {
  const found = [];
  for (let at = 0; at < lines.length;) {
    const line = lines[at];
    const heading = /^(#{1,4}) +(.*)/.exec(line);
    if (!line.trim()) at += 1;
    else if (heading) {
      found.push(h(`h${heading[1].length}`, {}, inline(heading[2])));
      at += 1;
    } else if (indent(line) >= 4) {
      const code = together(lines, at, (next) => indent(next) >= 4);
      found.push(h("pre", { tabindex: "0" }, code.map((next) => next.slice(4)).join("\n")));
      at += code.length;
    } else if (ITEM.test(line)) {
      const list = h(/^ *\d/.test(line) ? "ol" : "ul", {});
      while (at < lines.length && ITEM.test(lines[at]) && indent(lines[at]) === indent(line)) {
        const [head, , bullet] = ITEM.exec(lines[at]);
        const inner = together(lines, at + 1, (next) => indent(next) >= head.length);
        list.append(h("li", { value: bullet === "-" ? null : parseInt(bullet, 10) }, blocks([lines[at].slice(head.length), ...inner.map((next) => next.slice(head.length))])));
        at += 1 + inner.length;
        while (at < lines.length && !lines[at].trim()) at += 1;
      }
      found.push(list);
    } else {
      const rest = lines.slice(at).findIndex((next, place) => place && (!next.trim() || /^#/.test(next) || ITEM.test(next)));
      const paragraph = lines.slice(at, rest < 0 ? lines.length : at + rest);
      found.push(h("p", {}, inline(paragraph.join(" ").replace(/ +/g, " "))));
      at += paragraph.length;
    }
  }
  return found;
}
