// Interactive elements.

import { append, fill, h, icon } from "./dom.js";
import { confirmed } from "./confirm.js";
import { plain, textObject } from "./mrkdwn.js";
import { store } from "./store.js";

export function element(entry, block, surface, id) {
  const draw = DRAW[entry.type];
  if (!draw) return h("em", { class: "quiet" }, `(${entry.type})`);
  return draw(entry, block, surface, id || `${surface.key}-${block.block_id}-${entry.action_id}`);
}

const hooks = (entry, block) => ({ "data-action-id": entry.action_id, "data-block-id": block.block_id, "data-testid": `action-${entry.action_id}` });
const described = (block, surface, id) => (block.type === "input"
  ? { "aria-invalid": surface.errors?.[block.block_id] ? "true" : undefined, "aria-describedby": surface.errors?.[block.block_id] ? `${id}-error` : undefined }
  : {});
const named = (entry, block, id) => (block.type === "input" ? {} : { "aria-label": plain(entry.placeholder) || entry.action_id, id });

async function touched(node, work) {
  node.classList.add("busy");
  node.disabled = true;
  try { await work(); } finally { node.classList.remove("busy"); node.disabled = false; }
}

// --- buttons ---

function button(entry, block, surface) {
  const visible = !entry.visible_to_user_ids || entry.visible_to_user_ids.includes(store.user);
  if (!visible) return null;
  const node = h("button", { type: "button", class: `btn ${entry.style || ""}`, "aria-label": entry.accessibility_label, ...hooks(entry, block) }, plain(entry.text));
  node.addEventListener("click", async () => {
    if (!(await confirmed(entry.confirm))) return;
    if (entry.url) window.open(entry.url, "_blank", "noopener");
    await touched(node, () => surface.click(block, entry, entry.value));
  });
  return node;
}

function iconButton(entry, block, surface) {
  const node = h("button", { type: "button", class: "btn icon-btn", title: plain(entry.text), "aria-label": entry.accessibility_label || plain(entry.text), ...hooks(entry, block) }, icon("trash", 16));
  node.addEventListener("click", async () => {
    if (await confirmed(entry.confirm)) await touched(node, () => surface.click(block, entry, entry.value));
  });
  return node;
}

function feedback(entry, block, surface) {
  const one = (side, sign) => {
    const choice = entry[side];
    const node = h("button", { type: "button", class: "btn icon-btn", title: plain(choice.text), "aria-label": choice.accessibility_label || plain(choice.text), ...hooks(entry, block) }, icon(sign, 16));
    node.addEventListener("click", () => touched(node, () => surface.click(block, entry, choice.value)));
    return node;
  };
  return h("span", { class: "pair" }, one("positive_button", "up"), one("negative_button", "downvote"));
}

function overflow(entry, block, surface) {
  const menu = h("div", { class: "menu", role: "menu", hidden: true });
  const opener = h("button", { type: "button", class: "btn icon-btn", "aria-label": "More actions", "aria-haspopup": "menu", "aria-expanded": "false", ...hooks(entry, block) }, icon("more"));
  const show = (open) => {
    menu.hidden = !open;
    opener.setAttribute("aria-expanded", String(open));
    if (!open) return;
    const at = opener.getBoundingClientRect();
    menu.classList.toggle("above", at.bottom > innerHeight - 220);
    menu.classList.toggle("leftwards", at.left > innerWidth - 220);
    menu.firstChild.focus();
  };
  const pick = async (option) => {
    show(false);
    opener.focus();
    if (!(await confirmed(entry.confirm))) return;
    if (option.url) window.open(option.url, "_blank", "noopener");
    await touched(opener, () => surface.click(block, entry, option.value));
  };
  append(menu, entry.options.map((option) => h("button", { type: "button", role: "menuitem", "data-value": option.value, onclick: () => pick(option) },
    h("span", null, plain(option.text)), option.description ? h("span", { class: "quiet" }, plain(option.description)) : null)));
  opener.addEventListener("click", () => show(menu.hidden));
  menu.addEventListener("keydown", (event) => menuKeys(event, menu, () => { show(false); opener.focus(); }));
  const holder = h("span", { class: "menu-holder" }, opener, menu);
  holder.addEventListener("focusout", (event) => { if (!holder.contains(event.relatedTarget)) show(false); });
  return holder;
}

function menuKeys(event, menu, close) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); close(); }
  if (!step) return;
  event.preventDefault();
  const entries = [...menu.children];
  const at = entries.indexOf(document.activeElement);
  entries[(at + step + entries.length) % entries.length].focus();
}

// --- menus ---

const options = (entry) => [...(entry.options || []), ...(entry.option_groups || []).flatMap((group) => group.options)];

function choices(entry) {
  const one = (option) => ({ value: option.value, label: plain(option.text), note: option.description && plain(option.description) });
  if (entry.options || entry.option_groups) return options(entry).map(one);
  if (/users/.test(entry.type)) return store.state.people.filter((person) => !person.tags.includes("deactivated")).map((person) => ({ value: person.id, label: person.real_name }));
  return store.state.channels.filter((room) => !room.im).map((room) => ({ value: room.id, label: `# ${room.name}` }));
}

function single(entry, block, surface, id) {
  const held = surface.held(block, entry);
  const current = held.selected_option?.value ?? held.selected_user ?? held.selected_conversation ?? held.selected_channel ?? "";
  const node = h("select", { class: "select", id, ...hooks(entry, block), ...described(block, surface, id), ...named(entry, block, id) });
  append(node, [h("option", { value: "" }, plain(entry.placeholder) || "Choose…"), grouped(entry)]);
  node.value = current;
  node.addEventListener("change", async () => {
    if (!(await confirmed(entry.confirm))) { node.value = current; return; }
    await touched(node, () => surface.choose(block, entry, node.value || null));
  });
  return node;
}

function grouped(entry) {
  const one = (option) => h("option", { value: option.value }, option.label);
  if (!entry.option_groups) return choices(entry).map(one);
  return entry.option_groups.map((group) => h("optgroup", { label: plain(group.label) }, group.options.map((option) => one({ value: option.value, label: plain(option.text) }))));
}

function multi(entry, block, surface, id) {
  const held = surface.held(block, entry);
  const chosen = new Set((held.selected_options || []).map((option) => option.value).concat(held.selected_users || [], held.selected_conversations || [], held.selected_channels || []));
  const summary = h("summary", { id, class: "select", ...named(entry, block, id) });
  const label = () => fill(summary, chosen.size ? choices(entry).filter((option) => chosen.has(option.value)).map((option) => h("span", { class: "chip" }, option.label)) : plain(entry.placeholder) || "Choose…");
  const toggle = (event) => {
    chosen[event.target.checked ? "add" : "delete"](event.target.value);
    label();
    surface.choose(block, entry, [...chosen]);
  };
  label();
  const boxes = choices(entry).map((option) => h("label", { class: "choice" },
    h("input", { type: "checkbox", value: option.value, checked: chosen.has(option.value), onchange: toggle }), h("span", null, option.label)));
  return h("details", { class: "multi", ...hooks(entry, block) }, summary, h("div", { class: "multi-list", role: "group", "aria-label": plain(entry.placeholder) || "Options" }, boxes));
}

// --- choices ---

function group(kind) {
  return (entry, block, surface, id) => {
    const held = surface.held(block, entry);
    const chosen = new Set(kind === "radio" ? [held.selected_option?.value] : (held.selected_options || []).map((option) => option.value));
    const node = h("div", { class: "group", role: kind === "radio" ? "radiogroup" : "group", "aria-labelledby": block.type === "input" ? `${id}-label` : undefined, ...hooks(entry, block) });
    const changed = async (event) => {
      const values = [...node.querySelectorAll("input:checked")].map((box) => box.value);
      if (!(await confirmed(entry.confirm))) { event.target.checked = !event.target.checked; return; }
      await surface.choose(block, entry, kind === "radio" ? values[0] : values);
    };
    append(node, entry.options.map((option, index) => h("label", { class: "choice" },
      h("input", { type: kind, name: id, id: index ? undefined : id, value: option.value, checked: chosen.has(option.value), onchange: changed }),
      h("span", null, h("span", { class: "text" }, textObject(option.text)), option.description ? h("span", { class: "quiet block-note" }, textObject(option.description)) : null))));
    return node;
  };
}

// --- typed inputs ---

function typed(kind, read, toSend = (value) => value || null) {
  return (entry, block, surface, id) => {
    const current = read(surface.held(block, entry));
    const tag = entry.multiline ? "textarea" : "input";
    const node = h(tag, {
      type: tag === "input" ? kind : undefined, rows: entry.multiline ? 4 : undefined, class: "field", id, placeholder: plain(entry.placeholder) || undefined,
      "data-field": "true", autofocus: entry.focus_on_load || undefined, autocomplete: "off", inputmode: entry.type === "number_input" ? "decimal" : undefined,
      ...hooks(entry, block), ...described(block, surface, id), ...named(entry, block, id),
    });
    node.value = current ?? "";
    node.playgroundValue = () => toSend(node.value);
    const config = entry.dispatch_action_config?.trigger_actions_on || ["on_enter_pressed"];
    const dispatch = block.type !== "input" || block.dispatch_action;
    const tell = () => surface.choose(block, entry, toSend(node.value));
    if (dispatch && config.includes("on_character_entered")) node.addEventListener("input", tell);
    else if (kind === "text" && dispatch) node.addEventListener("keydown", (event) => { if (event.key === "Enter" && !entry.multiline) { event.preventDefault(); event.stopPropagation(); tell(); } });
    else node.addEventListener("change", tell);
    if (entry.max_length) return h("div", { class: "counted" }, node, counter(node, entry.max_length));
    return node;
  };
}

function counter(node, most) {
  const left = h("span", { class: "counter quiet", "aria-hidden": "true" });
  const show = () => { left.textContent = String(most - node.value.length); left.classList.toggle("over", node.value.length > most); };
  node.addEventListener("input", show);
  show();
  return left;
}

const two = (number) => String(number).padStart(2, "0");
const localMinute = (seconds) => {
  if (!seconds) return "";
  const when = new Date(seconds * 1000);
  return `${when.getFullYear()}-${two(when.getMonth() + 1)}-${two(when.getDate())}T${two(when.getHours())}:${two(when.getMinutes())}`;
};

const text = typed("text", (held) => held.value);

const DRAW = {
  button,
  workflow_button: button,
  icon_button: iconButton,
  feedback_buttons: feedback,
  overflow,
  image: (entry) => h("img", { src: entry.image_url || "", alt: entry.alt_text, loading: "lazy" }),
  static_select: single,
  external_select: single,
  users_select: single,
  conversations_select: single,
  channels_select: single,
  multi_static_select: multi,
  multi_external_select: multi,
  multi_users_select: multi,
  multi_conversations_select: multi,
  multi_channels_select: multi,
  radio_buttons: group("radio"),
  checkboxes: group("checkbox"),
  plain_text_input: text,
  number_input: text,
  email_text_input: text,
  url_text_input: text,
  datepicker: typed("date", (held) => held.selected_date),
  timepicker: typed("time", (held) => held.selected_time),
  datetimepicker: typed("datetime-local", (held) => localMinute(held.selected_date_time), (value) => (value ? Math.floor(new Date(value).getTime() / 1000) : null)),
};
