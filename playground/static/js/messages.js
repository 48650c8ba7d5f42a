// Messages: one by one, and the list of a channel or a thread.

import { act } from "./api.js";
import { blocks } from "./blocks.js";
import { avatar, clock, h, icon } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";
import { isReply, person, replies, store } from "./store.js";
import { Surface } from "./surface.js";

const SLACKBOT = { initials: "S", colour: "4a154b", real_name: "Slackbot", bot: true };

export function messageList(list, go, inThread = false) {
  const out = [];
  let before = null;
  for (const message of list) {
    if (!inThread && isReply(message) && !message.reply_broadcast) continue;
    if (!before || day(before) !== day(message)) out.push(divider(message));
    out.push(messageNode(message, go, inThread, follows(before, message)));
    before = message;
  }
  return out;
}

const day = (message) => new Date(parseFloat(message.ts) * 1000).toDateString();

function follows(before, message) {
  return Boolean(before) && before.user === message.user && before.ephemeral === message.ephemeral && !message.blocks && !before.blocks
    && day(before) === day(message) && parseFloat(message.ts) - parseFloat(before.ts) < 300;
}

function divider(message) {
  const when = new Date(parseFloat(message.ts) * 1000);
  const today = when.toDateString() === new Date().toDateString();
  return h("div", { class: "day", role: "separator" }, h("span", null, today ? "Today" : when.toLocaleDateString([], { weekday: "long", month: "long", day: "numeric" })));
}

export function messageNode(message, go, inThread, compact) {
  const who = person(message.user) || SLACKBOT;
  return h("article", {
    class: `message${message.ephemeral ? " ephemeral" : ""}${compact ? " compact" : ""}`, "data-testid": "message", "data-ts": message.ts, "data-channel": message.channel,
    "data-ephemeral": String(message.ephemeral), "aria-label": `${who.real_name}, ${clock(message.ts)}`,
  },
    compact ? h("span", { class: "gutter quiet" }, clock(message.ts)) : avatar(who),
    h("div", { class: "content" },
      message.ephemeral ? h("div", { class: "only-you" }, icon("eye", 13), "Only visible to you") : null,
      compact ? null : byline(message, who),
      body(message),
      message.files ? message.files.map(fileNode) : null,
      inThread ? null : threadLine(message, go),
      tools(message, go, inThread)));
}

function byline(message, who) {
  return h("div", { class: "byline" }, h("strong", null, who.real_name), who.bot ? h("span", { class: "app-tag" }, "App") : null,
    who.tags?.filter((tag) => tag !== "admin").map((tag) => h("span", { class: `tag ${tag}` }, tag)),
    h("time", { class: "quiet", title: new Date(parseFloat(message.ts) * 1000).toLocaleString() }, clock(message.ts)));
}

function body(message) {
  const edited = message.edited ? h("span", { class: "edited quiet", title: clock(message.edited.ts) }, "(edited)") : null;
  if (!message.blocks?.length) return message.text ? h("div", { class: "text" }, mrkdwn(message.text, { verbatim: message.parse === "none" }), " ", edited) : edited;
  return h("div", { class: "blocks" }, blocks(message.blocks, Surface.message(message)), edited);
}

function fileNode(file) {
  if (file.mimetype?.startsWith("image/")) {
    return h("figure", { class: "picture" }, h("figcaption", { class: "quiet" }, file.title),
      h("a", { href: file.url_private, target: "_blank", rel: "noopener" }, h("img", { src: file.url_private, alt: file.alt_txt || file.title })));
  }
  return h("a", { class: "file", href: file.url_private, target: "_blank", rel: "noopener" }, h("span", { "aria-hidden": "true" }, "📄"),
    h("span", null, h("strong", null, file.title), h("span", { class: "quiet" }, `${file.name} · ${file.size} bytes`)));
}

function threadLine(message, go) {
  const count = replies(message.channel, message.ts).length;
  if (!count) return null;
  return h("button", { type: "button", class: "thread-line", onclick: () => go({ thread: message.ts, panel: null }) }, `${count} ${count === 1 ? "reply" : "replies"}`);
}

function tools(message, go, inThread) {
  const dismiss = () => act("dismiss", { user: store.user, channel: message.channel, ts: message.ts });
  if (message.ephemeral) return h("div", { class: "tools" }, h("button", { type: "button", "aria-label": "Dismiss message", onclick: dismiss }, icon("close", 16)));
  if (inThread) return null;
  return h("div", { class: "tools" }, h("button", { type: "button", "aria-label": "Reply in thread", title: "Reply in thread", onclick: () => go({ thread: message.ts, panel: null }) }, icon("thread", 16)));
}
