// Layout blocks. `surface` says where they stand and how touches are sent (see surface.js).

import { h } from "./dom.js";
import { element } from "./elements.js";
import { mrkdwn, plain, textObject } from "./mrkdwn.js";
import { markdown, richText, table } from "./richtext.js";

export function blocks(list, surface) {
  return list.map((block) => drawn(block, surface));
}

function drawn(block, surface) {
  const draw = DRAW[block.type];
  const inner = draw ? draw(block, surface) : h("em", { class: "quiet" }, `(${block.type} block)`);
  return h("div", { class: `block ${block.type}`, "data-block-id": block.block_id }, inner);
}

function image(block) {
  const url = block.image_url || block.slack_file?.url || "";
  const picture = h("img", { src: url, alt: block.alt_text, loading: "lazy" });
  picture.addEventListener("error", () => picture.replaceWith(h("span", { class: "no-image" }, `🖼 ${block.alt_text}`)));
  return h("figure", null, block.title ? h("figcaption", null, plain(block.title)) : null, picture);
}

function small(object) {
  return object.type === "image" ? image(object) : h("span", { class: "text" }, textObject(object));
}

function section(block, surface) {
  const body = h("div", { class: "body" },
    block.text ? h("div", { class: "text" }, textObject(block.text)) : null,
    block.fields ? h("div", { class: "fields" }, block.fields.map((field) => h("div", { class: "text" }, textObject(field)))) : null);
  if (!block.accessory) return body;
  return h("div", { class: "split" }, body, h("div", { class: "accessory" }, element(block.accessory, block, surface)));
}

function input(block, surface) {
  const error = surface.errors?.[block.block_id];
  const name = `${surface.key}-${block.block_id}`;
  return h("div", { class: `input${error ? " wrong" : ""}`, "data-testid": `input-${block.block_id}` },
    h("label", { class: "label", for: name, id: `${name}-label` }, plain(block.label), block.optional ? h("span", { class: "quiet" }, " (optional)") : null),
    element(block.element, block, surface, name),
    error ? h("div", { class: "error", role: "alert", "data-testid": `error-${block.block_id}`, id: `${name}-error` }, error) : null,
    block.hint ? h("div", { class: "hint" }, plain(block.hint)) : null);
}

function card(block, surface) {
  return h("div", { class: "tile" },
    block.hero_image ? image(block.hero_image) : null,
    h("div", { class: "split" }, block.icon ? image(block.icon) : null,
      h("div", { class: "body" },
        block.title ? h("strong", { class: "text" }, textObject(block.title)) : null,
        block.subtitle ? h("div", { class: "text quiet" }, textObject(block.subtitle)) : null)),
    block.body ? h("div", { class: "text" }, textObject(block.body)) : null,
    block.actions ? h("div", { class: "elements" }, block.actions.map((entry) => element(entry, block, surface))) : null);
}

const folded = new Map();

function container(block, surface) {
  const title = [block.rich_text_title ? richText(block.rich_text_title) : h("strong", null, plain(block.title)),
    block.subtitle ? h("div", { class: "quiet text" }, textObject(block.subtitle)) : null];
  const inside = h("div", { class: "inside" }, blocks(block.child_blocks, surface));
  if (!block.is_collapsible) {
    return h("div", { class: "frame" }, h("div", { class: `frame-title${block.has_header_divider ? " ruled" : ""}` }, title), inside);
  }
  const key = `${surface.key}:${block.block_id}`;
  const open = folded.has(key) ? folded.get(key) : !block.default_collapsed;
  const details = h("details", { class: "frame", open, "data-testid": "container" }, h("summary", null, h("span", { class: "frame-title" }, title)), inside);
  details.addEventListener("toggle", () => folded.set(key, details.open));
  return details;
}

function video(block) {
  return h("div", { class: "tile" }, h("strong", null, block.title_url ? h("a", { href: block.title_url, target: "_blank", rel: "noopener noreferrer" }, plain(block.title)) : plain(block.title)),
    block.description ? h("div", { class: "quiet" }, plain(block.description)) : null,
    image({ image_url: block.thumbnail_url, alt_text: block.alt_text }));
}

const DRAW = {
  section,
  input,
  image,
  card,
  container,
  video,
  table,
  header: (block) => h("h3", null, plain(block.text)),
  divider: () => h("hr"),
  context: (block) => block.elements.map(small),
  actions: (block, surface) => h("div", { class: "elements" }, block.elements.map((entry) => element(entry, block, surface))),
  context_actions: (block, surface) => h("div", { class: "elements" }, block.elements.map((entry) => element(entry, block, surface))),
  rich_text: (block) => richText(block),
  markdown: (block) => markdown(block.text),
  alert: (block) => h("div", { class: `alert-box ${block.level || "default"}`, role: "note" }, textObject(block.text)),
  carousel: (block, surface) => h("div", { class: "carousel" }, blocks(block.elements, surface)),
};

export { mrkdwn };
