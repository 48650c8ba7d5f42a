// The modal stack of the person in front of the screen.

import { act } from "./api.js";
import { blocks } from "./blocks.js";
import { append, avatar, fill, h, icon } from "./dom.js";
import { plain } from "./mrkdwn.js";
import { app, store } from "./store.js";
import { Surface } from "./surface.js";

let dialog = null;
let shown = null;

const typedFields = () => [...dialog.querySelectorAll("[data-field]")];
const fieldKey = (node) => `${node.dataset.blockId}/${node.dataset.actionId}`;

export function drawModals() {
  const stack = store.state.modals;
  const view = stack.at(-1);
  if (!view) return closeDialog();
  const drafts = shown === view.id ? new Map(typedFields().map((node) => [fieldKey(node), node.value])) : new Map();
  const focused = shown === view.id && dialog.contains(document.activeElement) ? document.activeElement.id : null;
  const scrolled = shown === view.id ? dialog.querySelector(".sheet-body").scrollTop : 0;
  if (!dialog) openDialog();
  fillDialog(view, stack);
  restore(drafts, focused, scrolled, shown !== view.id);
  shown = view.id;
}

function openDialog() {
  dialog = h("dialog", { class: "sheet modal", "data-testid": "modal", "aria-labelledby": "modal-title" });
  dialog.addEventListener("cancel", (event) => { event.preventDefault(); close(); });
  document.body.append(dialog);
  dialog.showModal();
}

function closeDialog() {
  if (dialog) { dialog.close(); dialog.remove(); }
  dialog = null;
  shown = null;
}

const close = (all = false) => act("close", { user: store.user, all });

function fillDialog(view, stack) {
  dialog.dataset.callbackId = view.callback_id;
  dialog.dataset.viewId = view.id;
  const form = h("form", { novalidate: true, onsubmit: (event) => { event.preventDefault(); submit(view, form); } },
    h("header", null, stack.length > 1 ? h("button", { type: "button", class: "plain", "aria-label": "Back", onclick: () => close() }, icon("back")) : avatar(app(), true),
      h("h2", { id: "modal-title" }, plain(view.title)),
      h("button", { type: "button", class: "plain", "aria-label": "Close", "data-testid": "modal-close", onclick: () => close(true) }, icon("close"))),
    h("div", { class: "sheet-body" }, blocks(view.blocks, Surface.view(view))),
    h("footer", null,
      h("button", { type: "button", class: "btn", "data-testid": "modal-cancel", onclick: () => close() }, view.close ? plain(view.close) : "Cancel"),
      view.submit ? h("button", { type: "submit", class: "btn primary", "data-testid": "modal-submit" }, plain(view.submit)) : null));
  fill(dialog, form);
}

function restore(drafts, focused, scrolled, fresh) {
  for (const node of typedFields()) if (drafts.has(fieldKey(node))) { node.value = drafts.get(fieldKey(node)); node.dispatchEvent(new Event("input")); }
  dialog.querySelector(".sheet-body").scrollTop = scrolled;
  const wrong = dialog.querySelector(".wrong input, .wrong textarea, .wrong select");
  const target = wrong || (focused && document.getElementById(focused)) || (fresh && dialog.querySelector("[autofocus], .sheet-body input, .sheet-body textarea, .sheet-body select"));
  if (target) target.focus();
}

async function submit(view, form) {
  const values = typedFields().map((node) => ({ block_id: node.dataset.blockId, action_id: node.dataset.actionId, value: node.playgroundValue() }));
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  button.classList.add("busy");
  const answer = await act("submit", { user: store.user, view: view.id, values });
  button.disabled = false;
  button.classList.remove("busy");
  form.querySelector(".trouble")?.remove();
  if (answer.refused) append(form.querySelector("footer"), [h("p", { class: "trouble error", role: "alert" }, "We had some trouble connecting. Try again?")]);
}
