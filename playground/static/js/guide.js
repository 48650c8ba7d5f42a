// Beside the channels: what to try, ticked when it has happened, and the ledger of what came of it.

import { fill, h, icon } from "./dom.js";
import { person, store } from "./store.js";

const root = document.getElementById("guide");
const shell = document.getElementById("app");
let open = false; // on a narrow screen the guide is one line until it is opened

const PARTS = [".guide-body", ".try", ".ledger"]; // each scrolls by itself

const steps = (more) => (store.state.guide?.steps || []).filter((step) => Boolean(step.more) === more);
export const nextStep = () => (store.state.guide?.steps || []).find((step) => !step.done) || null;

export function drawGuide(seek) {
  const guide = store.state.guide;
  root.hidden = !guide;
  shell.classList.toggle("with-guide", Boolean(guide));
  if (!guide) return fill(root);
  const scrolled = PARTS.map((part) => root.querySelector(part)?.scrollTop || 0);
  const held = root.contains(document.activeElement) ? document.activeElement.dataset.testid : null;
  fill(root, line(seek), body(guide, seek));
  root.classList.toggle("open", open);
  PARTS.forEach((part, at) => { const found = root.querySelector(part); if (found) found.scrollTop = scrolled[at]; });
  if (held) root.querySelector(`[data-testid="${held}"]`)?.focus({ preventScroll: true });
}

function count() {
  const asked = steps(false);
  return `${asked.filter((step) => step.done).length} of ${asked.length}`;
}

function line(seek) {
  const next = nextStep();
  const toggle = () => { open = !open; drawGuide(seek); };
  return h("button", { type: "button", class: "guide-line", "aria-expanded": String(open), "aria-controls": "guide-body", "data-testid": "guide-line", onclick: toggle },
    h("strong", null, count()), h("span", { class: "guide-next" }, next ? next.text : "All done"), icon("down", 16));
}

function body(guide, seek) {
  const more = steps(true);
  const next = nextStep();
  return h("div", { class: "guide-body", id: "guide-body" },
    h("header", null, h("h2", null, guide.title), h("span", { class: "quiet", "data-testid": "guide-count" }, count())),
    h("div", { class: "try" },
      h("ol", null, steps(false).map((step) => h("li", null, entry(step, seek)))),
      more.length ? h("section", { class: "more", "aria-label": "And more" }, h("h3", null, "And more"),
        h("ol", null, more.map((step) => h("li", null, chip(step, seek)))),
        next?.more ? h("p", { class: "quiet" }, next.text) : null) : null),
    guide.ledger ? ledger(guide.ledger) : null);
}

const reach = (step, seek) => ({
  type: "button", "data-testid": `guide-${step.id}`, "data-done": String(step.done), title: step.text,
  "aria-current": step === nextStep() ? "step" : undefined, onclick: () => { open = false; drawGuide(seek); seek(step); },
});

const box = (step) => h("span", { class: "box", role: "img", "aria-label": step.done ? "Done" : "To do" }, step.done ? icon("check", 14) : null);
const look = (step, kind) => `${kind}${step.done ? " done" : ""}${step === nextStep() ? " now" : ""}`;

function chip(step, seek) {
  return h("button", { ...reach(step, seek), class: look(step, "chip-step") }, box(step), step.title);
}

function entry(step, seek) {
  const other = step.users.length && !step.users.includes(store.user) ? person(step.users[0]) : null;
  return h("button", { ...reach(step, seek), class: look(step, "step") }, box(step),
    h("span", { class: "step-text" }, h("strong", null, step.title), h("span", { class: "quiet hint-line" }, step.text),
      other && !step.done ? h("span", { class: "as" }, `Go there as ${other.real_name}`) : null));
}

function ledger(kept) {
  return h("section", { class: "ledger", "data-testid": "ledger", "aria-live": "polite", "aria-label": kept.title }, h("h3", null, kept.title),
    kept.rows.length ? h("ul", null, kept.rows.map((row) => h("li", { "data-testid": "ledger-row" }, h("span", null, row.text), h("span", { class: "quiet" }, row.note))))
      : h("p", { class: "quiet" }, "Nothing has run yet."));
}
