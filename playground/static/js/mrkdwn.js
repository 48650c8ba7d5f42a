// Slack's mrkdwn, drawn the way Slack would, so that an injected mention shows as the live pill it would be.

import { h } from "./dom.js";
import { emoji, withEmoji } from "./emoji.js";
import { channel, channelNamed, group, person, store } from "./store.js";

const MARKS = { "*": "strong", _: "em", "~": "s" };
const isWord = (letter) => letter !== undefined && /[\p{L}\p{N}_]/u.test(letter);
const decoded = (text) => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");

export function plain(object) {
  if (!object) return "";
  return object.emoji === false ? object.text : withEmoji(object.text);
}

export function textObject(object) {
  if (object.type === "mrkdwn") return mrkdwn(object.text, { verbatim: object.verbatim === true });
  return lines(plain(object));
}

export function lines(text) {
  return text.split("\n").flatMap((line, index) => (index ? [h("br"), line] : [line]));
}

export function mrkdwn(text, { verbatim = false } = {}) {
  return text.split(/```/).flatMap((part, index, all) => {
    if (index % 2 && index < all.length - 1) return [h("pre", { class: "code" }, decoded(tokensAsText(part.replace(/^\n|\n$/g, ""))))];
    return quoted((index % 2 ? "```" : "") + trimmed(part, index, all), verbatim);
  });
}

const trimmed = (part, index, all) => (index && index < all.length ? part.replace(/^\n/, "") : part);
const tokensAsText = (text) => text.replace(/<([^<>|]+)(?:\|([^<>]*))?>/g, (_, target, label) => label || target);

function quoted(text, verbatim) {
  const out = [];
  let quote = null;
  text.split("\n").forEach((line, index) => {
    const found = /^(?:&gt;|>)\s?(.*)$/.exec(line);
    if (found) {
      if (!quote) out.push((quote = h("blockquote")));
      else quote.append(h("br"));
      quote.append(...inline(found[1], verbatim).map(node));
      return;
    }
    if (index && !quote) out.push(h("br"));
    quote = null;
    out.push(...inline(line, verbatim));
  });
  return out;
}

const node = (part) => (part instanceof Node ? part : document.createTextNode(part));

function inline(text, verbatim) {
  const out = [];
  let pending = "";
  const flush = () => { if (pending) out.push(...bare(pending, verbatim)); pending = ""; };
  for (let at = 0; at < text.length; ) {
    const piece = special(text, at, verbatim);
    if (!piece) { pending += text[at++]; continue; }
    flush();
    out.push(piece.node);
    at = piece.end;
  }
  flush();
  return out;
}

function special(text, at, verbatim) {
  const letter = text[at];
  if (letter === "<") return token(text, at);
  if (letter === "`") return code(text, at);
  if (letter in MARKS) return marked(text, at, verbatim);
  return null;
}

function token(text, at) {
  const end = text.indexOf(">", at);
  const inner = end < 0 ? "" : text.slice(at + 1, end);
  if (!inner || inner.includes("<")) return null;
  return { node: reference(inner), end: end + 1 };
}

function code(text, at) {
  const end = text.indexOf("`", at + 1);
  if (end <= at + 1) return null;
  return { node: h("code", null, decoded(tokensAsText(text.slice(at + 1, end)))), end: end + 1 };
}

function marked(text, at, verbatim) {
  const mark = text[at];
  if (isWord(text[at - 1]) || text[at + 1] === undefined || /\s/.test(text[at + 1]) || text[at + 1] === mark) return null;
  for (let end = text.indexOf(mark, at + 2); end > 0; end = text.indexOf(mark, end + 1)) {
    if (/\s/.test(text[end - 1]) || isWord(text[end + 1]) || text[end + 1] === mark) continue;
    return { node: h(MARKS[mark], null, inline(text.slice(at + 1, end), verbatim)), end: end + 1 };
  }
  return null;
}

// --- references ---

function reference(inner) {
  const bar = inner.indexOf("|");
  const target = bar < 0 ? inner : inner.slice(0, bar);
  const label = bar < 0 ? "" : decoded(inner.slice(bar + 1));
  if (target.startsWith("!date^")) return date(target, label);
  if (target.startsWith("@")) return userPill(target.slice(1), label);
  if (target.startsWith("#")) return channelPill(target.slice(1), label);
  if (target.startsWith("!subteam^")) return groupPill(target.slice(9), label);
  if (target.startsWith("!")) return pill(`@${target.slice(1)}`, target, "loud");
  return link(decoded(target), label);
}

export function pill(text, target, kind = "") {
  return h("span", { class: `mention ${kind}`, "data-testid": "mention", "data-mention": target }, text);
}

export function userPill(id, label = "") {
  const found = person(id);
  return pill(`@${found ? found.name : label || id}`, `@${id}`, id === store.user ? "me" : "");
}

export function channelPill(id, label = "") {
  const found = channel(id);
  return pill(`#${found ? found.name : label || id}`, `#${id}`);
}

export function groupPill(id, label = "") {
  const found = group(id);
  return pill(`@${found ? found.handle : label.replace(/^@/, "") || id}`, `!subteam^${id}`, "loud");
}

export function link(url, label = "") {
  if (!/^(https?:|mailto:|tel:)/i.test(url)) return h("span", { class: "mention" }, label || url);
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow" }, label || url);
}

export function dateText(seconds, format) {
  const when = new Date(seconds * 1000);
  const day = (options) => when.toLocaleDateString([], options);
  const pretty = (usual) => relative(when) || usual;
  const long = day({ weekday: "long", year: "numeric", month: "long", day: "numeric" });
  const mid = day({ year: "numeric", month: "long", day: "numeric" });
  const short = day({ year: "numeric", month: "short", day: "numeric" });
  const parts = {
    date_num: when.toISOString().slice(0, 10), date_slash: day({}), date: mid, date_short: short, date_long: long,
    date_pretty: pretty(mid), date_short_pretty: pretty(short), date_long_pretty: pretty(long),
    time: when.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }),
    time_secs: when.toLocaleTimeString(), ago: ago(when), day_divider_pretty: pretty(long),
  };
  return format.replace(/\{(\w+)\}/g, (all, name) => parts[name] ?? all);
}

function relative(when) {
  const days = Math.round((new Date(when).setHours(0, 0, 0, 0) - new Date().setHours(0, 0, 0, 0)) / 864e5);
  return { "-1": "yesterday", 0: "today", 1: "tomorrow" }[days];
}

function ago(when) {
  const minutes = Math.round((Date.now() - when) / 6e4);
  const words = new Intl.RelativeTimeFormat([], { numeric: "auto" });
  if (Math.abs(minutes) < 60) return words.format(-minutes, "minute");
  return Math.abs(minutes) < 1440 ? words.format(-Math.round(minutes / 60), "hour") : words.format(-Math.round(minutes / 1440), "day");
}

function date(target, fallback) {
  const [, seconds, format = "", url] = target.split("^");
  if (!/^-?\d+$/.test(seconds || "")) return document.createTextNode(fallback);
  const when = h("time", { datetime: new Date(seconds * 1000).toISOString(), title: new Date(seconds * 1000).toLocaleString() }, dateText(Number(seconds), format));
  if (!url) return when;
  const anchor = link(url);
  anchor.replaceChildren(when);
  return anchor;
}

// --- what Slack links by itself where verbatim is false ---

const BARE = /(:[a-z0-9_+-]+:)|(https?:\/\/[^\s<>|]+)|(?<![\w])(@(?:channel|here|everyone))\b|(?<![\w&])(#[a-z0-9_-]+)/g;

function bare(text, verbatim) {
  const out = [];
  let last = 0;
  for (const found of text.matchAll(BARE)) {
    const part = bareNode(found, verbatim);
    if (!part) continue;
    out.push(decoded(text.slice(last, found.index)), part);
    last = found.index + found[0].length;
  }
  out.push(decoded(text.slice(last)));
  return out.filter((part) => part !== "");
}

function bareNode([all, code, url, everybody, room], verbatim) {
  if (code) { const sign = emoji(code.slice(1, -1)); return sign && h("span", { class: "emoji", role: "img", "aria-label": code }, sign); }
  if (verbatim) return null;
  if (url) return link(decoded(url));
  if (everybody) return pill(everybody, everybody, "loud");
  const found = room && channelNamed(room.slice(1));
  return found ? channelPill(found.id) : null;
}
