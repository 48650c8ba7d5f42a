// rich_text, markdown and tables: the blocks that hold prose.

import { h } from "./dom.js";
import { emoji } from "./emoji.js";
import { channelPill, dateText, groupPill, lines, link, pill, userPill } from "./mrkdwn.js";

export function richText(block) {
  return h("div", { class: "rich" }, block.elements.map(part));
}

function part(element) {
  const inside = () => element.elements.map(span);
  if (element.type === "rich_text_list") return list(element);
  if (element.type === "rich_text_quote") return h("blockquote", null, inside());
  if (element.type === "rich_text_preformatted") return h("pre", { class: "code" }, element.elements.map((entry) => entry.text ?? entry.url));
  return h("div", null, inside());
}

function list(element) {
  const tag = element.style === "ordered" ? "ol" : "ul";
  const items = element.elements.map((entry) => h("li", null, entry.elements.map(span)));
  const start = element.style === "ordered" && element.offset ? element.offset + 1 : undefined;
  return h(tag, { class: `indent-${element.indent || 0}`, start }, items);
}

function span(element) {
  return styled(bare(element), element.style || {});
}

function bare(element) {
  switch (element.type) {
    case "text": return h("span", null, lines(element.text));
    case "link": return link(element.url, element.text);
    case "user": return userPill(element.user_id);
    case "channel": return channelPill(element.channel_id);
    case "usergroup": return groupPill(element.usergroup_id);
    case "broadcast": return pill(`@${element.range}`, `!${element.range}`, "loud");
    case "emoji": return h("span", { class: "emoji" }, emoji(element.name) || `:${element.name}:`);
    case "date": return h("time", { datetime: new Date(element.timestamp * 1000).toISOString() }, dateText(element.timestamp, element.format));
    case "color": return h("span", { class: "swatch" }, element.value);
    default: return h("span", null, element.fallback || "");
  }
}

function styled(node, style) {
  const tags = { bold: "strong", italic: "em", strike: "s", code: "code", underline: "u", highlight: "mark" };
  return Object.keys(tags).reduce((inner, name) => (style[name] ? h(tags[name], null, inner) : inner), node);
}

export function table(block) {
  const align = (index) => block.column_settings?.[index]?.align || "left";
  const cell = (tag) => (entry, index) =>
    h(tag, { class: `align-${align(index)}`, scope: tag === "th" ? "col" : undefined }, entry.type === "rich_text" ? richText(entry) : lines(entry.text));
  const [head, ...rows] = block.rows;
  return h("div", { class: "grid", tabindex: "0", role: "region", "aria-label": "Table" },
    h("table", null, h("thead", null, h("tr", null, head.map(cell("th")))),
      h("tbody", null, rows.map((row) => h("tr", null, row.map(cell("td")))))));
}

// A small standard Markdown: headings, lists, quotes, fences, emphasis, code, links.
export function markdown(text) {
  const out = [];
  const rows = text.split("\n");
  while (rows.length) out.push(chunk(rows));
  return h("div", { class: "rich markdown" }, out);
}

function chunk(rows) {
  const row = rows.shift();
  const heading = /^(#{1,6})\s+(.*)$/.exec(row);
  if (heading) return h(heading[1].length < 3 ? "h3" : "h4", null, words(heading[2]));
  if (/^```/.test(row)) return fence(rows);
  if (/^(-{3,}|\*{3,})$/.test(row)) return h("hr");
  if (/^>\s?/.test(row)) return h("blockquote", null, words(row.replace(/^>\s?/, "")));
  if (/^\s*[-*]\s+/.test(row)) return items("ul", /^\s*[-*]\s+/, row, rows);
  if (/^\s*\d+\.\s+/.test(row)) return items("ol", /^\s*\d+\.\s+/, row, rows);
  return row.trim() ? h("p", null, words(row)) : null;
}

function fence(rows) {
  const end = rows.findIndex((row) => /^```/.test(row));
  const inside = rows.splice(0, end < 0 ? rows.length : end + 1);
  return h("pre", { class: "code" }, (end < 0 ? inside : inside.slice(0, -1)).join("\n"));
}

function items(tag, pattern, first, rows) {
  const all = [first];
  while (rows.length && pattern.test(rows[0])) all.push(rows.shift());
  return h(tag, null, all.map((row) => h("li", null, words(row.replace(pattern, "")))));
}

const WORDS = /\*\*(.+?)\*\*|(?<![\w*])[*_](.+?)[*_](?!\w)|~~(.+?)~~|`([^`]+)`|\[([^\]]+)\]\(([^)\s]+)\)/g;

function words(text) {
  const out = [];
  let last = 0;
  for (const [all, bold, italic, strike, code, label, url] of text.matchAll(WORDS)) {
    const at = text.indexOf(all, last);
    out.push(text.slice(last, at));
    if (bold) out.push(h("strong", null, words(bold)));
    else if (italic) out.push(h("em", null, words(italic)));
    else if (strike) out.push(h("s", null, words(strike)));
    else if (code) out.push(h("code", null, code));
    else out.push(link(url, label));
    last = at + all.length;
  }
  return [...out, text.slice(last)];
}
