// What the page knows: the snapshot as one person sees it, and where that person is looking.

import { get } from "./api.js";

const remembered = (key, fallback) => sessionStorage.getItem(key) || fallback;

export const store = {
  user: new URLSearchParams(location.search).get("as") || remembered("user", "U0ALICE"),
  place: remembered("place", null),
  tab: "home",
  thread: null,
  panel: null,
  sought: null,
  state: null,
};

export async function load() {
  store.state = await get(`state?user=${encodeURIComponent(store.user)}`);
  if (!person(store.user)) {
    store.user = store.state.people.find((entry) => !entry.bot).id;
    return load();
  }
  sessionStorage.setItem("user", store.user);
  return store.state;
}

export const person = (id) => store.state.people.find((entry) => entry.id === id);
export const group = (id) => store.state.groups.find((entry) => entry.id === id);
export const channel = (id) => store.state.channels.find((entry) => entry.id === id);
export const channelNamed = (name) => store.state.channels.find((entry) => !entry.im && entry.name === name);
export const me = () => person(store.user);
export const app = () => person(store.state.bot);
export const inbox = () => store.state.channels.find((entry) => entry.im);

export const messages = (id) => store.state.messages[id] || [];
export const isReply = (message) => message.thread_ts && message.thread_ts !== message.ts;
export const threadOf = (message) => (isReply(message) && !message.reply_broadcast ? message.thread_ts : null);
export const replies = (id, ts) => messages(id).filter((entry) => entry.thread_ts === ts && entry.ts !== ts);

export function keep(where, ts, message) {
  const list = (store.state.messages[where] ||= []);
  const index = list.findIndex((entry) => entry.ts === ts);
  if (!message) { if (index >= 0) list.splice(index, 1); }
  else if (index >= 0) { if (message.revision >= list[index].revision) list[index] = message; }
  else { list.push(message); list.sort((a, b) => (a.ts < b.ts ? -1 : 1)); }
}

// The newest message that carries this mark in its metadata, wherever this person can see it.
export function marked(mark) {
  const carries = (entry) => !entry.ephemeral && (!isReply(entry) || entry.metadata?.event_type === "sayso_card") && Object.values(entry.metadata?.event_payload || {}).join().split(",").includes(mark);
  const found = Object.values(store.state.messages).flat().filter(carries);
  return mark ? found.sort((a, b) => (a.ts < b.ts ? -1 : 1)).at(-1) || null : null;
}

// --- unread ---

const key = (id) => `read:${store.user}:${id}`;

export function markRead(id) {
  const last = messages(id).at(-1);
  if (last) sessionStorage.setItem(key(id), last.ts);
}

// Where somebody looks first who has not gone anywhere yet: where they are called, else where anything is said.
export function first() {
  const rooms = store.state.channels.filter((entry) => !entry.im).map((entry) => entry.id);
  return rooms.find((id) => unread(id).loud) || rooms.find((id) => messages(id).length) || rooms[0];
}

export function unread(id) {
  const seen = sessionStorage.getItem(key(id)) || "0";
  const fresh = messages(id).filter((entry) => entry.ts > seen && entry.user !== store.user);
  const loud = fresh.some((entry) => channel(id)?.im || entry.ephemeral || JSON.stringify([entry.text, entry.blocks]).includes(store.user));
  return { count: fresh.length, loud };
}
