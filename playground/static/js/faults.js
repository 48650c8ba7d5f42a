// The side panel with faults one can switch on, and the latest Web API calls.

import { get, send } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { store } from "./store.js";

const CLICKS = [["late", "Late by 5 s"], ["double", "Sent twice"], ["reorder", "Next two swapped"], ["lost", "Lost on the way"], ["lost_ack", "Answer lost"]];
const KINDS = [["ratelimited", "429 rate limited"], ["server_error", "500 error"], ["drop_before", "Connection cut, not applied"], ["drop_after", "Connection cut, but applied"], ["latency", "Slow by 2 s"]];
const METHODS = ["chat.postMessage", "chat.update", "chat.postEphemeral", "views.*", "users.info", "conversations.*", "*"];

export function faultsPanel(close) {
  const calls = h("ol", { class: "calls" });
  drawCalls(calls);
  const faults = store.state.faults;
  return [
    h("header", { class: "bar" }, h("h2", null, "Faults and traffic"), h("button", { type: "button", class: "plain", "aria-label": "Close panel", onclick: close }, icon("close"))),
    h("div", { class: "panel", "data-testid": "faults-panel" },
      h("p", { class: "quiet" }, "Make the network and Slack misbehave, and watch the bot cope."),
      h("h3", null, "Next click"), h("div", { class: "elements" }, CLICKS.map(([kind, label]) => click(kind, label))),
      h("h3", null, "Web API"), inject(),
      h("label", { class: "choice" }, h("input", { type: "checkbox", checked: faults.limits, onchange: (event) => send("faults", { limits: event.target.checked }) }), h("span", null, "Enforce Slack's rate limits")),
      h("label", { class: "choice" }, h("input", { type: "checkbox", checked: Boolean(faults.revoked), onchange: (event) => send("faults", { revoked: event.target.checked ? "token_revoked" : "" }) }), h("span", null, "Token revoked")),
      sockets(faults),
      h("h3", null, "Now on"), active(faults),
      h("h3", null, "Latest Web API calls"), calls),
  ];
}

const click = (kind, label) => h("button", { type: "button", class: "btn", "data-testid": `fault-${kind}`, onclick: () => send("faults", { clicks: kind, times: kind === "reorder" ? 2 : 1, seconds: kind === "late" ? 5 : 10 }) }, label);

function inject() {
  const method = h("select", { class: "select", "aria-label": "Method" }, METHODS.map((name) => h("option", { value: name }, name === "*" ? "any method" : name)));
  const kind = h("select", { class: "select", "aria-label": "Fault" }, KINDS.map(([name, label]) => h("option", { value: name }, label)));
  const times = h("input", { class: "field times", type: "number", min: 1, max: 99, value: "1", "aria-label": "How many times" });
  const go = () => send("faults", { method: method.value, kind: kind.value, times: Number(times.value) || 1, seconds: 2 });
  return h("div", { class: "inject" }, method, kind, h("div", { class: "elements" }, h("span", null, "next"), times, h("span", null, "calls"), h("button", { type: "button", class: "btn primary", onclick: go }, "Inject")));
}

function sockets(faults) {
  if (!faults.socket_mode) return null;
  const one = (how, label) => h("button", { type: "button", class: "btn", onclick: () => send("faults", { socket: how }) }, label);
  return [h("h3", null, `Socket Mode (${faults.sockets} connected)`), h("div", { class: "elements" }, one("warning", "Warn"), one("refresh", "Refresh"), one("cut", "Cut"))];
}

function active(faults) {
  const lines = [
    ...faults.clicks.map((fault) => `click ${fault.kind}${fault.times ? ` ×${fault.times}` : ""}`),
    ...faults.api.map((fault) => `${fault.method}: ${fault.kind}${fault.times ? ` ×${fault.times}` : ""}`),
    ...(faults.limits ? ["rate limits"] : []), ...(faults.revoked ? [faults.revoked] : []),
  ];
  if (!lines.length) return h("p", { class: "quiet" }, "Nothing. All is well.");
  return h("div", null, h("ul", { class: "active" }, lines.map((line) => h("li", null, line))),
    h("button", { type: "button", class: "btn danger", "data-testid": "all-well", onclick: () => send("faults", {}, "DELETE") }, "Switch everything off"));
}

export async function drawCalls(list) {
  const target = list || document.querySelector(".calls");
  if (!target) return;
  const { calls } = await get("calls?last=30");
  fill(target, calls.reverse().map((call) => h("li", { class: call.ok ? "" : "bad" }, h("code", null, call.method),
    h("span", { class: "quiet" }, ` ${new Date(call.at * 1000).toLocaleTimeString()} `), call.ok && !call.fault ? null : h("strong", null, [call.error, call.fault].filter(Boolean).join(", ")))));
}
