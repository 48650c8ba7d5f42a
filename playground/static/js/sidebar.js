// The left side: who you are, channels, direct messages, apps.

import { avatar, fill, h, icon } from "./dom.js";
import { app, inbox, me, store, unread } from "./store.js";

const root = document.getElementById("sidebar");

export function drawSidebar(go) {
  const rooms = store.state.channels.filter((room) => !room.im);
  fill(root,
    h("div", { class: "team" }, h("strong", null, store.state.team.name), h("span", { class: "tagline" }, "A pretend Slack workspace")),
    switcher(go),
    h("div", { class: "rooms" },
      title("Channels"),
      h("ul", null, rooms.map((room) => entry(room.id, room.name, h("span", { class: "hash", "aria-hidden": "true" }, room.private ? icon("lock", 14) : "#"), `channel-${room.name}`, go))),
      title("Direct messages"),
      h("ul", null, inbox() ? entry(inbox().id, app().real_name, avatar(app(), true), "dm", go, true) : h("li", { class: "none" }, "None yet")),
      title("Apps"),
      h("ul", null, entry("home", app().real_name, avatar(app(), true), "app-home", go, true))),
    h("button", { type: "button", class: "foot", "data-testid": "faults-toggle", onclick: () => go({ panel: "faults" }) }, icon("bolt", 16), "Faults and traffic", weather()));
}

const title = (text) => h("h2", { class: "group-title" }, text);

function weather() {
  const faults = store.state.faults;
  const stormy = faults && (faults.limits || faults.revoked || faults.api.length || faults.clicks.length);
  return stormy ? h("span", { class: "badge loud", "aria-label": "faults are on" }, "on") : null;
}

function entry(id, label, mark, testid, go, bot = false) {
  const { count, loud } = id === "home" ? { count: 0 } : unread(id);
  const here = store.place === id;
  const badge = count && !here ? h("span", { class: `badge${loud ? " loud" : ""}`, "data-testid": "badge" }, count > 99 ? "99+" : count) : null;
  return h("li", null, h("button", {
    type: "button", class: `room${here ? " here" : ""}${badge ? " fresh" : ""}`, "aria-current": here ? "page" : undefined,
    "data-testid": testid, onclick: () => go({ place: id, thread: null }),
  }, mark, h("span", { class: "room-name" }, label), bot ? h("span", { class: "app-tag" }, "App") : null, badge));
}

// --- the person switcher ---

function switcher(go) {
  const list = h("div", { class: "people", role: "listbox", "aria-label": "Become somebody else", hidden: true });
  const opener = h("button", { type: "button", class: "you", "aria-haspopup": "listbox", "aria-expanded": "false", "data-testid": "person-switcher" },
    avatar(me()), h("span", { class: "you-name" }, h("span", { class: "quiet" }, "You are"), h("strong", null, me().real_name)), icon("down", 16));
  const show = (open) => { list.hidden = !open; opener.setAttribute("aria-expanded", String(open)); if (open) (list.querySelector("[aria-selected=true]") || list.firstChild).focus(); };
  fill(list, store.state.people.filter((person) => !person.bot).map((person) => one(person, go)));
  opener.addEventListener("click", () => show(list.hidden));
  list.addEventListener("keydown", (event) => keys(event, list, () => { show(false); opener.focus(); }));
  const holder = h("div", { class: "you-holder" }, opener, list);
  holder.addEventListener("focusout", (event) => { if (!holder.contains(event.relatedTarget)) show(false); });
  return holder;
}

function keys(event, list, close) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (event.key === "Escape") close();
  if (!step) return;
  event.preventDefault();
  const all = [...list.children];
  all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus();
}

function one(person, go) {
  return h("button", { type: "button", role: "option", "aria-selected": String(person.id === store.user), "data-testid": `person-${person.id}`, onclick: () => go({ user: person.id }) },
    avatar(person, true), h("span", { class: "person-text" }, h("span", null, person.real_name), h("span", { class: "quiet" }, person.title)),
    person.tags.map((tag) => h("span", { class: `tag ${tag}` }, tag)));
}
