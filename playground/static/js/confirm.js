// Block Kit's confirm dialog.

import { h } from "./dom.js";
import { plain, textObject } from "./mrkdwn.js";

export function confirmed(dialog) {
  if (!dialog) return Promise.resolve(true);
  return new Promise((resolve) => {
    const done = (answer) => { node.close(); node.remove(); resolve(answer); };
    const node = h("dialog", { class: "sheet confirm", role: "alertdialog", "aria-labelledby": "confirm-title", "data-testid": "confirm" },
      h("header", null, h("h2", { id: "confirm-title" }, plain(dialog.title))),
      h("div", { class: "sheet-body" }, h("div", { class: "text" }, textObject(dialog.text))),
      h("footer", null,
        h("button", { type: "button", class: "btn", "data-testid": "confirm-deny", onclick: () => done(false) }, plain(dialog.deny)),
        h("button", { type: "button", class: `btn ${dialog.style || "primary"}`, "data-testid": "confirm-ok", onclick: () => done(true) }, plain(dialog.confirm))));
    node.addEventListener("cancel", (event) => { event.preventDefault(); done(false); });
    document.body.append(node);
    node.showModal();
  });
}
