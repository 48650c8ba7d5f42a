// Where one writes: plain text, or a slash command with a hint.

import { act } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { store } from "./store.js";

export function composer(place, label, thread) {
  const box = h("textarea", { class: "composer-box", rows: 1, placeholder: label, "aria-label": label, "data-testid": thread ? "thread-composer" : "composer", enterkeyhint: "send" });
  const hints = h("div", { class: "hints", hidden: true, "data-testid": "command-hints" });
  const send = () => submit(box, place, thread, hints);
  box.addEventListener("input", () => { grow(box); hint(box, hints); });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); send(); }
    if (event.key === "Tab" && !hints.hidden) { event.preventDefault(); complete(box, hints); }
    if (event.key === "Escape") hints.hidden = true;
  });
  return h("div", { class: "composer" }, hints, h("div", { class: "composer-row" }, box,
    h("button", { type: "button", class: "send", "aria-label": "Send", "data-testid": "send", onclick: send }, icon("send"))));
}

function grow(box) {
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight, 160)}px`;
}

const fitting = (text) => (text.startsWith("/") ? store.state.commands.filter((command) => command.name.startsWith(text.split(" ")[0]) || text.startsWith(`${command.name} `)) : []);

function hint(box, hints) {
  const found = fitting(box.value);
  hints.hidden = !found.length;
  fill(hints, found.map((command) => h("button", { type: "button", onclick: () => { box.value = `${command.name} `; box.focus(); hint(box, hints); } },
    h("strong", null, command.name), h("span", { class: "quiet" }, ` ${command.hint || ""}`), h("div", { class: "quiet" }, command.description))));
}

function complete(box, hints) {
  const [first] = fitting(box.value);
  if (first && !box.value.startsWith(`${first.name} `)) box.value = `${first.name} `;
  hint(box, hints);
}

async function submit(box, place, thread, hints) {
  const text = box.value.trim();
  if (!text) return;
  box.value = "";
  hints.hidden = true;
  grow(box);
  const [name, ...rest] = text.split(/\s+/);
  if (store.state.commands.some((command) => command.name === name)) await act("command", { user: store.user, channel: place, command: name, text: text.slice(name.length).trim() });
  else await act("post", { user: store.user, channel: place, text: escaped(text), thread_ts: thread || undefined });
}

// A person's @name and #channel become references, as Slack's own composer makes them.
function escaped(text) {
  const safe = text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  return safe.replace(/(^|\s)@(\w+)/g, (all, gap, name) => {
    const found = store.state.people.find((person) => person.name === name);
    return found ? `${gap}<@${found.id}>` : /^(channel|here|everyone)$/.test(name) ? `${gap}<!${name}>` : all;
  }).replace(/(^|\s)#([\w-]+)/g, (all, gap, name) => {
    const found = store.state.channels.find((room) => room.name === name && !room.im);
    return found ? `${gap}<#${found.id}>` : all;
  });
}
