"""A dress rehearsal before the curtain: every template drawn once and checked by Slack's own models, so that a bad one
stops the start and not the first card that needs it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.acts.act import Act
from bot.acts.registry import ACTS, OFFERS, approval_card, named
from bot.render import cards, modals
from bot.render.blocks import MESSAGE_BLOCKS, MESSAGE_BYTES, Button, TemplateFault, check_templates, size
from bot.render.buttons import Seen
from bot.render.forms import FormErrors
from bot.render.home import Presence, home_view
from bot.render.modals import Where
from bot.render.redaction import redactor_of
from bot.render.reviews import review_card
from bot.render.standing import counting_message
from bot.service.standing import Live
from policies.approval import Approval, Decided, Decision, Review, Undo
from policies.deadlines import opened
from policies.digest import digest_of
from policies.files.manifest import load_manifest
from policies.lifecycle import State
from policies.request import ChoiceOption, read_request
from policies.routing import Level, RouteName
from policies.standing_offer import Wanted, drafted

_NOON: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)
_MANIFEST: Final = """
version: 1
actions:
  rehearse:
    title: Rehearse
    describe: "Rehearse {{ params.what }}"
    severity: low
    reversible: true
    batch: true
    standing: {max_seconds: 60, max_uses: 2, same: [params.what], scope: agent}
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
LAST: Final = 99  # the page of a form on which it can be sent


def check_all() -> list[str]:
    """Inspect and draw every template; returns their names. Raises TemplateFault for the first that is not sound."""
    names = check_templates()
    waiting = _approval()
    decision = Decision(Decided.APPROVED, "U0", _NOON, note="fine")
    settled = [replace(waiting, state=state, decision=decision) for state in State if state is not State.PENDING]
    undo = Undo("U0", _NOON, "a mistake", _NOON, "taken back")
    undone = [replace(approval, undo=undo, claimed_at=claimed) for approval in settled for claimed in (None, _NOON)]
    for approval in (waiting, *settled, *undone):
        _message(approval_card(approval), f"the card of {approval.state.value}")
        _message(approval_card(approval, face=cards.Face.MOVED, moved_to="U0"), "a moved card")
    samples = _samples(waiting)
    for approval in samples:
        _message(approval_card(approval, undo_until=approval.clock.undo_until), "a card to act on")
    for act in ACTS:
        _rehearse(act, samples)
    for kind in cards.Notice:
        _message(cards.notice(kind, waiting, undo_until=_NOON), f"the notice {kind.value}")
    _message(cards.alert("Title", "text"), "an alert")
    given = drafted(waiting, Wanted(60, 2), "std_0", "U0", _NOON)
    over = replace(given, ended_at=_NOON, ended_by="U0", ended_why="a person ended it")
    for one in (given, replace(given, uses=1), over):
        _message(counting_message(one, waiting, settled[: one.uses], "Ann"), "the count of a standing approval")
    _message(cards.batch_card([waiting, settled[0]]), "a batch")
    _message(cards.digest_card([waiting, settled[0]], {_ID: "U0"}), "a digest")
    _message(cards.queue_message([waiting, settled[0]], total=3), "a queue")
    for review in (Review(("U0",)), Review(("U1", "U0")), Review(("U0",), "U0", _NOON, "correct", closed=True)):
        _message(review_card(replace(settled[0], review=review), 1), "a review")
    _message(cards.notice(cards.Notice.DONE, undone[-1]), "the notice of what was undone")
    _view(modals.loading_modal(), "the loading modal")
    live = Live(given, waiting, "Ann", may_end=True)
    away = Presence(away=True, until=_NOON)
    _view(home_view("U0", [waiting], [settled[0]], away, {"Decided": 1}, standing=[live]), "the home tab")
    return names


def _rehearse(act: Act[Any], samples: list[Approval]) -> None:
    """Draw the act's button and its form wherever it is offered, and read the form back as it was drawn."""
    offered = [approval for approval in samples if act.button is None or _offered(act, approval)]
    if not offered:
        raise TemplateFault(f"{act.verb}: no card has its button")
    if act.form is None:
        return
    for approval in offered:
        view = act.form(approval, Where("C0", "1.1", LAST, OFFERS))
        _view(view, f"the form of {act.verb}")
        if view["callback_id"] != act.modal:
            raise TemplateFault(f"the form of {act.verb} is called {view['callback_id']}, not {act.modal}")
        if act.run is not None:
            _read_back(act, view, approval)


def _offered(act: Act[Any], approval: Approval) -> bool:
    """Whether the card of `approval` has the act's button, and a tap on it leads to the act."""
    assert act.button is not None
    redact, undo_until = redactor_of(approval), approval.clock.undo_until
    found = act.button.draw(Seen(approval, redact(approval.sentence), redact, undo_until=undo_until))
    buttons = [found] if isinstance(found, Button) else found.buttons if found is not None else []
    for button in buttons:
        leads = named(button.action)
        if leads is None or leads.verb != act.verb:
            raise TemplateFault(f"the button {button.action} of {act.verb} leads elsewhere")
    return found is not None


def _read_back(act: Act[Any], view: dict[str, Any], approval: Approval) -> None:
    """Read the form as it is before anybody wrote in it: what is missing is said at an input that the form has."""
    if "submit" not in view or act.read is None:
        raise TemplateFault(f"the form of {act.verb} cannot be sent, or is not read")
    inputs = {block["block_id"]: block["element"] for block in view["blocks"] if block["type"] == "input"}
    state = {name: {element["action_id"]: _untouched(element)} for name, element in inputs.items()}
    try:
        act.read(state, lambda: approval)
    except FormErrors as error:
        elsewhere = sorted(set(error.errors) - set(inputs))
        if elsewhere:
            raise TemplateFault(f"the form of {act.verb} has no input {', '.join(elsewhere)}") from None


def _untouched(element: dict[str, Any]) -> dict[str, Any]:
    return {"value": element.get("initial_value"), "selected_option": element.get("initial_option")}


def _samples(waiting: Approval) -> list[Approval]:
    """Approvals on which everything that a person can do is offered somewhere."""
    request = waiting.request.model_copy
    choices = [ChoiceOption(id=f"c{number}", label=f"Candidate {number}") for number in range(3)]
    policy = waiting.policy.model_copy(update={"confirm_amount_above_usd": 1.0})
    undo_until = replace(waiting.clock, undo_until=_NOON)
    return [
        waiting,
        replace(waiting, policy=policy, params={"what": "x" * 9000, "amount_usd": 4800, **_PARAMS}),
        replace(waiting, request=request(update={"kind": "choose", "question": "Which?", "choices": choices})),
        replace(waiting, request=request(update={"kind": "input", "question": "What?"})),
        replace(waiting, level=Level.HUMAN_TAKEOVER),
        replace(waiting, state=State.TAKEN_OVER),
        replace(waiting, state=State.APPROVED, decision=Decision(Decided.APPROVED, "U0", _NOON), clock=undo_until),
    ]


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
