// The control API under /playground/, and the live stream.

import { toast } from "./dom.js";

async function asked(path, options) {
  const answer = await fetch(`/playground/${path}`, options);
  return answer.json();
}

export const get = (path) => asked(path);

export async function send(path, body, method = "POST") {
  const options = { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  try {
    const answer = await asked(path, options);
    if (!answer.ok) toast(answer.error || "That did not work");
    return answer;
  } catch {
    toast("The playground is not reachable");
    return { ok: false };
  }
}

export const act = (name, body) => send(`act/${name}`, body);

export function listen(user, onNotice) {
  const stream = new EventSource(`/playground/stream?user=${encodeURIComponent(user)}`);
  stream.onmessage = (event) => onNotice(JSON.parse(event.data));
  return () => stream.close();
}
