// Makes elements. Text is only ever set as text: what is stored is other people's.

export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "style") Object.assign(element.style, value);
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

let announced = "";

// Says something to who listens rather than looks; not twice in a row.
export function say(text) {
  if (text === announced) return;
  announced = text;
  document.getElementById("said").textContent = text;
}

const probe = document.createElement("span");

// A colour of the style sheet, as a canvas takes it: light or dark is decided only where an element has it.
export function colour(name) {
  if (!probe.isConnected) document.body.append(probe);
  probe.hidden = true;
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}

export async function copy(text, button) {
  const before = button.textContent;
  let done = "Copied";
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = h("textarea", { class: "hidden", "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    if (!document.execCommand("copy")) done = "Could not copy";
    area.remove();
  }
  button.textContent = done;
  say(done);
  setTimeout(() => (button.textContent = before), 1500);
}
