"""A dress rehearsal before the curtain: every template drawn once and checked by Slack's own models, so that a bad one
stops the start and not the first card that needs it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.render import cards, hidden_view, modals
from bot.render.blocks import MESSAGE_BLOCKS, MESSAGE_BYTES, TemplateFault, check_templates, size
from bot.render.home import home_view
from bot.render.reviews import review_card
from policies.approval import Approval, Decision, Review, Undo
from policies.deadlines import opened
from policies.digest import digest_of
from policies.files.manifest import load_manifest
from policies.lifecycle import State
from policies.request import read_request
from policies.routing import Level, RouteName

_NOON: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)
_MANIFEST: Final = """
version: 1
actions:
  rehearse: {title: Rehearse, describe: "Rehearse {{ params.what }}", severity: low, reversible: true, batch: true}
"""
_PARAMS: Final[dict[str, Any]] = {
    "what": "<@U0> *x*",
    "n": 1,
    "on": True,
    "none": None,
    "list": [{"a": ""}],
    "cvv": "000",
}
_ID: Final = "rehearsal"


def check_all() -> list[str]:
    """Inspect and draw every template; returns their names. Raises TemplateFault for the first that is not sound."""
    names = check_templates()
    waiting = _approval()
    decision = Decision("approved", "U0", _NOON, note="fine")
    settled = [replace(waiting, state=state, decision=decision) for state in State if state is not State.PENDING]
    undo = Undo("U0", _NOON, "a mistake", _NOON, "taken back")
    undone = [replace(approval, undo=undo, claimed_at=claimed) for approval in settled for claimed in (None, _NOON)]
    for approval in (waiting, *settled, *undone):
        _message(cards.approval_card(approval), f"the card of {approval.state.value}")
        _message(cards.approval_card(approval, face=cards.Face.MOVED, moved_to="U0"), "a moved card")
    for kind in cards.Notice:
        _message(cards.notice(kind, waiting, undo_until=_NOON), f"the notice {kind.value}")
    _message(cards.alert("Title", "text"), "an alert")
    _message(cards.batch_card([waiting, settled[0]]), "a batch")
    _message(cards.digest_card([waiting, settled[0]], {_ID: "U0"}), "a digest")
    _message(cards.queue_message([waiting, settled[0]], total=3), "a queue")
    for review in (Review(("U0",)), Review(("U1", "U0")), Review(("U0",), "U0", _NOON, "correct", closed=True)):
        _message(review_card(replace(settled[0], review=review), 1), "a review")
    _message(cards.notice(cards.Notice.DONE, undone[-1]), "the notice of what was undone")
    for build in (
        modals.details_modal,
        modals.approve_modal,
        modals.edit_modal,
        modals.reject_modal,
        modals.undo_modal,
        modals.review_incident_modal,
    ):
        _view(build(waiting), build.__name__)
    _view(modals.details_modal(waiting, may_decide=True), "the details to decide on")
    _view(hidden_view.show_hidden_modal(waiting), "the hidden values")
    _view(modals.batch_reject_modal([waiting]), "batch_reject_modal")
    _view(modals.loading_modal(), "the loading modal")
    _view(home_view("U0", [waiting], [settled[0]], _NOON, {"Decided": 1}), "the home tab")
    return names


def _approval() -> Approval:
    policy = load_manifest(_MANIFEST).policy("rehearse")
    request = read_request({"action": "rehearse", "params": _PARAMS, "reason": "<!here>", "risks": ["a", "b"]})
    clock = opened(_NOON, sla_seconds=60, timeout_seconds=int(timedelta(hours=1).total_seconds()))
    digest = digest_of(
        approval_id=_ID, agent="agent", action="rehearse", params=_PARAMS, policy_version="0", expires_at=None
    )
    return Approval(
        id=_ID,
        agent_id=_ID,
        agent="agent",
        request=request,
        params=_PARAMS,
        sentence="Rehearse",
        state=State.PENDING,
        version=1,
        level=Level.HARD_APPROVAL,
        route=RouteName.ASK,
        why=("because",),
        digest=digest,
        policy=policy,
        policy_version="0",
        created_at=_NOON,
        updated_at=_NOON,
        clock=clock,
        expires_at=clock.expires_at,
        assignee="U0",
        role="admins",
        reached_roles=("admins",),
        assigned_why="the only one",
    )


def _message(message: cards.Message, what: str) -> None:
    if size(message.blocks) > MESSAGE_BYTES or len(message.blocks) > MESSAGE_BLOCKS:
        raise TemplateFault(f"{what} is too large for Slack")
    _blocks(message.blocks, what)


def _view(view: dict[str, Any], what: str) -> None:
    try:
        View(**view).validate_json()
    except SlackObjectFormationError as error:
        raise TemplateFault(f"{what}: {error}") from None
    _blocks(view["blocks"], what)


def _blocks(blocks: list[dict[str, Any]], what: str) -> None:
    ids = [block["block_id"] for block in blocks]
    if len(set(ids)) != len(ids):
        raise TemplateFault(f"{what}: a block_id comes twice")
    try:
        for block in Block.parse_all(blocks):
            block.validate_json()
    except SlackObjectFormationError as error:
        raise TemplateFault(f"{what}: {error}") from None
