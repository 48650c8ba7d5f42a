"""What no button of ours offers, sent all the same: signed as Slack signs, by somebody who may write whatever they like."""

from __future__ import annotations

import json
from typing import Any

from playground import payloads
from support.agent import Json
from support.office import Office


def tap(office: Office, user: str, approval: Json, action_id: str, **more: Any) -> int:
    """A tap on a button that is nowhere, with the digest that now holds; the status of the answer."""
    now = office.agent.see(approval)
    slack = office.slack.workspace
    payload = payloads.envelope(slack, "block_actions", user) | {
        "container": {"type": "message", "message_ts": "1.1", "channel_id": slack.channel("#finance").id},
        "channel": {"id": slack.channel("#finance").id, "name": "finance"},
        "trigger_id": slack.tickets.new_trigger(user, 3.0),
        "actions": [
            {"type": "button", "action_id": action_id, "block_id": "b", "value": f"{now['id']}|{now['digest']}", **more}
        ],
    }
    return office.slack.send_signed(payload)[0]


def form(office: Office, user: str, approval: Json, callback_id: str, **inputs: str) -> tuple[int, Any]:
    """A form that was never opened, sent; status and body of the answer. `__` in a name stands for a colon."""
    now = office.agent.see(approval)
    values = {
        name.replace("__", ":"): {"x": {"type": "plain_text_input", "value": text}} for name, text in inputs.items()
    }
    payload = payloads.envelope(office.slack.workspace, "view_submission", user) | {
        "view": {
            "id": "V1",
            "type": "modal",
            "callback_id": callback_id,
            "private_metadata": json.dumps({"approval_id": now["id"], "digest": now["digest"]}),
            "blocks": [{"type": "input", "block_id": name} for name in values],
            "state": {"values": values},
        }
    }
    return office.slack.send_signed(payload)
