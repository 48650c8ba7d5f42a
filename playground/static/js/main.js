// Puts the page together and keeps it live.

import { act, get, listen } from "./api.js";
import { blocks } from "./blocks.js";
import { composer } from "./composer.js";
import { avatar, fill, h, icon, toast } from "./dom.js";
import { drawGuide, nextStep } from "./guide.js";
import { drawCalls, faultsPanel } from "./faults.js";
import { messageList } from "./messages.js";
import { drawModals } from "./modal.js";
import { drawSidebar } from "./sidebar.js";
import { app, channel, first, inbox, keep, load, marked, markRead, messages, store, threadOf, unread } from "./store.js";
import { Surface } from "./surface.js";

const shell = document.getElementById("app");
const main = document.getElementById("main");
const side = document.getElementById("side");
const scrim = document.getElementById("scrim");
let stop = () => {};

async function become(user) {
  stop();
  store.user = user;
  await load();
  openLinkedThread();
  beginAtGuide();
  if (store.place !== "home" && !channel(store.place)) store.place = first();
  stop = listen(store.user, notice);
  draw();
  if (store.place === "home") openHome();
}

async function go(change) {
  document.body.classList.remove("menu-open");
  scrim.hidden = true;
  if (change.user) return become(change.user);
  if (change.panel && change.panel === store.panel) change.panel = null;
  if (change.panel) store.thread = null;
  if (change.place) { store.sought = null; awaited = null; }
  const moved = change.place && change.place !== store.place;
  Object.assign(store, change);
  sessionStorage.setItem("place", store.place);
  draw();
  if (moved && store.place === "home") openHome();
  if (moved) main.focus({ preventScroll: true });
}

function draw() {
  document.title = `${store.place === "home" ? app().real_name : label(channel(store.place))} · ${store.state.team.name}`;
  drawMain();
  drawSide();
  drawSidebar(go);
  drawModals();
  drawGuide(seek);
}

// --- the guide ---

let awaited = null; // a step whose card is still to come

// A link to a reply opens the thread that it stands in.
function openLinkedThread() {
  const found = linked && store.place === linked[1] && messages(linked[1]).find((entry) => entry.ts === soughtTs());
  if (found) store.thread = threadOf(found);
}

// Who has not gone anywhere yet is taken to the first card of the guide, also when it comes later.
function beginAtGuide() {
  if (linked || store.sought || sessionStorage.getItem("place")) return false;
  const found = marked(nextStep()?.mark);
  if (!found) return false;
  store.place = found.channel;
  store.thread = threadOf(found);
  store.sought = found.ts;
  return true;
}

async function seek(step) {
  if (step.users.length && !step.users.includes(store.user)) await become(step.users[0]);
  awaited = step.id;
  if (!(await arrived())) toast("Its card is on the way. It opens when it comes.", "good");
}

// Goes to the card of the step that was clicked, once it is there.
async function arrived() {
  const found = awaited && marked(store.state.guide?.steps.find((step) => step.id === awaited)?.mark);
  if (!found) return false;
  await go({ place: found.channel, thread: threadOf(found), panel: null, sought: found.ts });
  return true;
}

async function guideChanged() {
  store.state.guide = (await get("guide")).guide;
  if (beginAtGuide()) draw(); else if (!(await arrived())) drawGuide(seek);
}

const label = (room) => (room.im ? app().real_name : `#${room.name}`);
const openHome = () => act("home", { user: store.user });

// --- the middle ---

function drawMain() {
  if (store.place === "home") return drawHome();
  const room = channel(store.place);
  if (room.im) return drawInbox(room);
  fill(main, bar([h("h1", null, label(room)), h("span", { class: "topic quiet" }, room.archived ? "Archived" : room.topic)], h("span", { class: "quiet members" }, `${room.members} members`)),
    ...conversation(room));
  settle(room.id);
}

function bar(left, right) {
  const open = () => { document.body.classList.add("menu-open"); scrim.hidden = false; document.querySelector("#sidebar button").focus(); };
  return h("header", { class: "bar" }, h("button", { type: "button", class: "plain hamburger", "aria-label": "Open sidebar", "data-testid": "open-sidebar", onclick: open }, icon("menu")),
    h("div", { class: "bar-title" }, left), right);
}

function conversation(room) {
  return [
    h("div", { class: "stream", id: "stream", role: "log", "aria-label": `Messages in ${label(room)}`, tabindex: "0" }, beginning(room), messageList(messages(room.id), go)),
    composer(room.id, room.im ? `Message ${label(room)}` : `Message ${label(room)}, or /sayso`),
  ];
}

function beginning(room) {
  if (room.im) return h("div", { class: "beginning" }, avatar(app()), h("p", null, "This is the very beginning of your direct messages with ", h("strong", null, app().real_name), "."));
  return h("div", { class: "beginning" }, h("h2", null, label(room)), h("p", { class: "quiet" }, `This is the very beginning of ${label(room)}. ${room.topic}.`));
}

function settle(id) {
  const stream = document.getElementById("stream");
  const ts = soughtTs();
  const target = ts && stream.querySelector(`[data-ts="${ts}"]`);
  if (target) { intoView(target, stream); target.classList.add("sought"); }
  else stream.scrollTop = stream.scrollHeight;
  markRead(id);
}

function soughtTs() {
  const wanted = /\/p(\d{10})(\d{6})$/.exec(location.pathname);
  return store.sought || (wanted && `${wanted[1]}.${wanted[2]}`);
}

// The whole message, or its end where it is taller than the screen: that is where its buttons are.
function intoView(target, stream) {
  target.scrollIntoView({ block: target.offsetHeight > stream.clientHeight ? "end" : "center" });
}

// --- the app: home and messages ---

function tabs(current) {
  const one = (name, text, change) => h("button", { type: "button", role: "tab", "aria-selected": String(current === name), "data-testid": `tab-${name}`, onclick: () => go(change) }, text);
  return h("div", { class: "tabs", role: "tablist" }, one("home", "Home", { place: "home" }), one("messages", "Messages", { place: inbox()?.id || "home" }));
}

function appBar(current) {
  return [bar([avatar(app(), true), h("h1", null, app().real_name)]), tabs(current)];
}

function drawInbox(room) {
  fill(main, ...appBar("messages"), ...conversation(room));
  settle(room.id);
}

function drawHome() {
  const home = store.state.home;
  const scrolled = main.querySelector(".home")?.scrollTop || 0;
  fill(main, ...appBar("home"), h("div", { class: "home", "data-testid": "home" },
    home ? h("div", { class: "blocks" }, blocks(home.blocks, Surface.view(home)))
      : h("div", { class: "beginning" }, avatar(app()), h("p", { class: "quiet" }, `${app().real_name} has not published a home tab for you yet.`))));
  main.querySelector(".home").scrollTop = scrolled;
}

// --- the right ---

function drawSide() {
  const open = Boolean(store.thread || store.panel);
  side.hidden = !open;
  shell.classList.toggle("with-side", open);
  if (!open) return fill(side);
  if (store.panel === "faults") { side.setAttribute("aria-label", "Faults"); return fill(side, ...faultsPanel(() => go({ panel: null }))); }
  side.setAttribute("aria-label", "Thread");
  const list = messages(store.place).filter((entry) => store.thread === entry.ts || store.thread === entry.thread_ts);
  fill(side, h("header", { class: "bar" }, h("h2", null, "Thread"), h("button", { type: "button", class: "plain", "aria-label": "Close thread", onclick: () => go({ thread: null }) }, icon("close"))),
    h("div", { class: "stream", role: "log", "aria-label": "Thread", tabindex: "0" }, messageList(list, go, true)),
    composer(store.place, "Reply…", store.thread));
  const ts = soughtTs();
  const target = ts && side.querySelector(`[data-ts="${ts}"]`);
  if (target) { intoView(target, side.querySelector(".stream")); target.classList.add("sought"); }
}

// --- live ---

async function notice(told) {
  const react = REACT[told.kind];
  if (react) await react(told);
}

async function messageChanged({ channel: where, ts }) {
  const { message } = await get(`message/${where}/${ts}?user=${encodeURIComponent(store.user)}`);
  if (!channel(where)) { await load(); return draw(); }
  keep(where, ts, message);
  if (!sessionStorage.getItem("place") && !linked && !store.state.guide && !messages(store.place).length && unread(where).loud) return go({ place: where });
  if (beginAtGuide()) return draw();
  if (await arrived()) return;
  if (store.place === where) redrawStream(where);
  drawSidebar(go);
  if (store.thread && store.place === where) drawSide();
}

function redrawStream(where) {
  const stream = document.getElementById("stream");
  if (!stream) return;
  const atEnd = stream.scrollHeight - stream.scrollTop - stream.clientHeight < 80;
  const top = stream.scrollTop;
  const focused = stream.contains(document.activeElement) ? document.activeElement.id || describe(document.activeElement) : null;
  fill(stream, beginning(channel(where)), messageList(messages(where), go));
  const held = store.sought && stream.querySelector(`[data-ts="${store.sought}"]`);
  stream.scrollTop = atEnd && !held ? stream.scrollHeight : top;
  if (held) held.scrollIntoView({ block: "nearest" });
  const again = focused && (document.getElementById(focused) || find(stream, focused));
  if (again) again.focus({ preventScroll: true });
  if (document.hasFocus() || atEnd) markRead(where);
}

const describe = (node) => { const message = node.closest("[data-ts]"); return message && node.dataset.actionId ? `${message.dataset.ts} ${node.dataset.actionId}` : ""; };
const find = (stream, key) => { const [ts, name] = key.split(" "); return stream.querySelector(`[data-ts="${ts}"] [data-action-id="${CSS.escape(name || "")}"]`); };

let looks = 0;
async function viewsChanged() {
  const look = ++looks;
  const seen = await get(`person/${store.user}`);
  if (look !== looks) return; // a later look is on its way, and knows more
  Object.assign(store.state, seen);
  drawModals();
  if (store.place === "home") drawHome();
}

// What happened between the first look and the first notice. Nothing is drawn anew for nothing: somebody may be typing.
async function caughtUp() {
  const before = JSON.stringify(store.state);
  await load();
  if (JSON.stringify(store.state) === before) return;
  beginAtGuide();
  draw();
  await arrived();
}

async function reload() { await load(); draw(); await viewsChanged(); }

async function faultsChanged() {
  const { faults } = await get("faults");
  if (JSON.stringify(faults) === JSON.stringify(store.state.faults)) return;
  store.state.faults = faults;
  drawSidebar(go);
  if (store.panel === "faults") drawSide();
}

let callsDue = null;
const REACT = {
  open: caughtUp,
  message: messageChanged,
  views: viewsChanged,
  home: viewsChanged,
  directory: reload,
  faults: faultsChanged,
  guide: guideChanged,
  socket: faultsChanged,
  toast: ({ text }) => toast(text),
  delivery: faultsChanged,
  call: () => { if (store.panel === "faults") { clearTimeout(callsDue); callsDue = setTimeout(() => drawCalls(), 150); } },
};

// Who scrolls has found what they were taken to.
for (const way of ["wheel", "touchmove", "keydown"]) main.addEventListener(way, () => { store.sought = null; }, { passive: true });
scrim.addEventListener("click", () => go({}));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
  if (document.body.classList.contains("menu-open")) go({});
  else if (store.thread || store.panel) go({ thread: null, panel: null });
});
const linked = /\/archives\/([^/]+)\//.exec(location.pathname);
if (linked) store.place = linked[1];
become(store.user);
