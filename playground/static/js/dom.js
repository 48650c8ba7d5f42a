// Elements are made here and nowhere else; data only ever becomes text, never markup.

export function h(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "class") node.className = value;
    else if (key === "style") for (const [name, entry] of Object.entries(value)) node.style.setProperty(name, entry);
    else if (key === "dataset") Object.assign(node.dataset, value);
    else if (key === "value" || key === "checked" || key === "selected" || key === "disabled") node[key] = value;
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  append(node, children);
  return node;
}

export function append(node, children) {
  for (const child of children.flat(9)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}

export function fill(node, ...children) {
  node.replaceChildren();
  return append(node, children);
}

const ICONS = {
  menu: "M3 6h18M3 12h18M3 18h18",
  close: "M5 5l14 14M19 5L5 19",
  back: "M15 5l-7 7 7 7",
  send: "M4 12l16-8-6 16-3-6z",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  down: "M6 9l6 6 6-6",
  warn: "M12 4l9 16H3zM12 10v4M12 17h.01",
  thread: "M4 5h16v11H10l-4 4v-4H4z",
  bolt: "M13 3L5 14h6l-1 7 8-11h-6z",
  home: "M4 11l8-7 8 7v9h-5v-6H9v6H4z",
  trash: "M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13",
  eye: "M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12zM12 9a3 3 0 100 6 3 3 0 000-6",
  lock: "M6 11h12v9H6zM8 11V8a4 4 0 018 0v3",
  check: "M5 12l5 5 9-10",
  up: "M7 11v9H4v-9zM7 11l4-8c2 0 2 2 2 3l-1 4h6c2 0 2 2 2 3l-2 6c0 1-1 1-2 1H7",
  downvote: "M17 13V4h3v9zM17 13l-4 8c-2 0-2-2-2-3l1-4H6c-2 0-2-2-2-3l2-6c0-1 1-1 2-1h9",
};

export function icon(name, size = 18) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  for (const [key, value] of Object.entries({
    viewBox: "0 0 24 24", width: size, height: size, fill: "none", stroke: "currentColor",
    "stroke-width": name === "more" ? 3 : 2, "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true",
  })) svg.setAttribute(key, value);
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

export function avatar(person, small = false) {
  const who = person || { initials: "S", colour: "4a154b", bot: true };
  const node = h("span", { class: `avatar${small ? " small" : ""}${who.bot ? " bot" : ""}`, "aria-hidden": "true" }, who.initials);
  node.style.backgroundColor = `#${who.colour}`;
  return node;
}

export function clock(ts) {
  return new Date(parseFloat(ts) * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

export function toast(text, kind = "bad") {
  const node = h("div", { class: `toast ${kind}`, "data-testid": "toast" }, icon(kind === "bad" ? "warn" : "bolt"), h("span", null, text));
  document.getElementById("toasts").append(node);
  setTimeout(() => node.remove(), 6000);
}
