// A surface is a message, a modal or a home tab: it knows how a touch in it is sent.

import { act } from "./api.js";
import { store } from "./store.js";

export class Surface {
  constructor(key, address, state, errors = {}) {
    this.key = key;
    this.address = address;
    this.state = state || {};
    this.errors = errors;
  }

  static message(message) {
    return new Surface(`m${message.ts}`, { channel: message.channel, ts: message.ts }, message.state);
  }

  static view(view) {
    return new Surface(`v${view.id}`, { view: view.id }, view.state.values, view.errors);
  }

  held(block, element) {
    return this.state[block.block_id]?.[element.action_id] || {};
  }

  click(block, element, value) {
    return this.send("click", block, element, value);
  }

  choose(block, element, value) {
    return this.send("choose", block, element, value);
  }

  async send(verb, block, element, value) {
    const body = { user: store.user, ...this.address, block_id: block.block_id, action_id: element.action_id };
    return act(verb, value === undefined ? body : { ...body, value });
  }
}
