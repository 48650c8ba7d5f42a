"""The modals: the full view, and what a person is asked to write. Pure; the listeners open and read them.

Every modal's private_metadata names the approval, the digest its reviewer saw, and the card it came from.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from bot.render.batch_card import batch_value
from bot.render.blocks import VIEW_BLOCKS, Button, Confirm, Option
from bot.render.buttons import WITH_ANSWER, WITH_CHOICE, button_value, controls, show_hidden
from bot.render.cards import needs_full_view
from bot.render.editing import Field, editable
from bot.render.facts import brief
from bot.render.full_view import cost, full_view, sheets
from bot.render.labels import consequence, mention, settled_sentence
from bot.render.message import summary
from bot.render.modal_parts import (
    INPUT_CHARS,
    AnyPart,
    Input,
    View,
    bold,
    code,
    heading,
    line,
    modal,
    press,
    small,
    words,
)
from bot.render.quoted_text import Group
from bot.render.redaction import redactor_of
from bot.render.visible_text import Mrkdwn, Shown, clip, fill, visible
from policies.amounts import to_type
from policies.approval import Approval
from policies.hidden import hidden_of
from policies.sentences import usd

REJECT_REASONS: Final = {
    "wrong_target": "Wrong amount or wrong target",
    "not_needed": "Not needed",
    "evidence": "Not enough evidence",
    "policy": "Against our policy",
    "done": "Already done",
}
RADIO = 10


def about(approval: Approval, channel: str = "", ts: str = "", page: int | None = None) -> dict[str, Any]:
    """What a modal remembers (private_metadata)."""
    noted = {"approval_id": approval.id, "digest": approval.digest, "channel": channel, "ts": ts}
    return noted if page is None else {**noted, "page": page}


def read_metadata(view: dict[str, Any]) -> dict[str, Any]:
    """A view's private_metadata; empty where there is none or it is not ours."""
    try:
        noted = json.loads(view.get("private_metadata") or "{}")
    except (ValueError, RecursionError):
        return {}
    return noted if isinstance(noted, dict) else {}


def _sentence(approval: Approval) -> list[AnyPart]:
    """What it is about, first in every modal."""
    shown = visible(redactor_of(approval)(approval.sentence))
    _, severity, undo = consequence(approval.policy)
    top = heading(shown) if len(shown) <= 150 else bold(shown)
    return [top, small([Shown(f"{severity} · {undo}")])]


def _note(label: str = "Note", hint: str | None = None) -> Input:
    return Input("note", label, optional=True, multiline=True, hint=hint)


def _quoted(approval: Approval, label: str, text: str) -> AnyPart:
    redact = redactor_of(approval)
    return words([Group(label, [clip(visible(redact(text), lines=True), 2800)], True, None)])


def details_modal(
    approval: Approval,
    channel: str = "",
    ts: str = "",
    page: int = 0,
    *,
    session: tuple[str, str | None] | None = None,
    may_decide: bool = False,
) -> View:
    """Everything about an approval, one page at a time; with `may_decide`, its card's buttons follow on the last page.

    `session` is the state of the agent's run and who set it: for those who may pause, resume or cancel it (docs/rules.md: C3).
    """
    ending = deciding(approval) if may_decide else []
    pages = sheets(full_view(approval), blocks=VIEW_BLOCKS - 6 - len(ending), spare=sum(map(cost, ending)))
    page = max(0, min(page, len(pages) - 1))
    steering = _steering(approval, *session) if session and page == 0 else []
    last = ending if page + 1 == len(pages) else []
    parts = [*pages[page], *steering, *turning(page, len(pages)), *last]
    return modal("details_modal", "Details", parts, private=about(approval, channel, ts, page))


def deciding(approval: Approval, here: str = "details") -> list[AnyPart]:
    """The buttons of the approval's card but the one that leads `here`, with the same friction; a menu opens its form."""
    full_view = needs_full_view(approval) or approval.request.kind == "choose"
    redact = redactor_of(approval)
    rows = controls(approval, redact(approval.sentence), redact, full_view=full_view, undo_until=None).rows
    if not rows and here == "details" and hidden_of(approval).count:
        rows = [[show_hidden(approval)]]
    kept = [[item for item in row if item.action not in ("details", here)] for row in rows]
    return [press(f"decide-{number}", row) for number, row in enumerate(kept, 1) if row]


_STEERED: Final = {"running": ("pause", "cancel"), "paused": ("resume", "cancel"), "cancelled": ()}


def _steering(approval: Approval, state: str, by: str | None) -> list[AnyPart]:
    """Where the agent's run stands, and what can be done about it."""
    name = clip(visible(approval.request.session_id or ""), 200)
    said = fill("The agent's session *{name}* is {state}", name=name, state=state)
    if by:
        said = fill("{said} (set by {by})", said=said, by=mention(by))
    end = Confirm(
        "Cancel the session?", "The agent stops at its next step, and what it has open is withdrawn.", "Cancel it"
    )
    offered = {
        "pause": Button("session_pause", "Pause the session", button_value(approval)),
        "resume": Button("session_resume", "Resume the session", button_value(approval), "primary"),
        "cancel": Button("session_cancel", "Cancel the session", button_value(approval), "danger", end),
    }
    words = _STEERED.get(state, ())
    return [line(said), *([press("session", [offered[word] for word in words])] if words else [])]


def turning(page: int, pages: int) -> list[AnyPart]:
    if pages == 1:
        return []
    turn: list[AnyPart] = [small([Shown(f"Page {page + 1} of {pages}")])]
    if page > 0:
        turn.append(press("previous_page", [Button("details_page", "Previous page", str(page - 1))]))
    if page + 1 < pages:
        turn.append(press("next_page", [Button("details_page", "Next page", str(page + 1), "primary")]))
    return turn


def _review(
    name: str,
    title: str,
    approval: Approval,
    ending: Sequence[AnyPart],
    submit: str,
    where: tuple[str, str, int],
) -> View:
    """The full view with `ending` and its submit button on the last page only, so that everything was shown before."""
    channel, ts, page = where
    pages = sheets(full_view(approval), blocks=VIEW_BLOCKS - 4 - len(ending), spare=sum(map(cost, ending)))
    page = max(0, min(page, len(pages) - 1))
    parts = [*pages[page], *turning(page, len(pages))]
    private = about(approval, channel, ts, page)
    if page + 1 < len(pages):
        return modal(name, title, parts, private=private)
    return modal(name, title, [*parts, *ending], submit=submit, private=private)


def approve_modal(approval: Approval, channel: str = "", ts: str = "", page: int = 0) -> View:
    """The full view, then Approve; a large amount has to be typed."""
    ending = [*_amount(approval), _note("Note for the agent")]
    return _review("approve_modal", "Review & approve", approval, ending, "Approve", (channel, ts, page))


def _amount(approval: Approval) -> list[AnyPart]:
    """Where a large amount has to be typed again."""
    wanted = to_type(approval.policy, approval.params)
    if wanted is None:
        return []
    return [Input("amount", "Type the amount to approve it", hint=f"It is {usd(wanted)}", most_chars=40)]


def _approves(approval: Approval, what: str) -> list[AnyPart]:
    """That sending the form says yes to the action, and the way to say no."""
    said = fill("⚠️ *Sending {what} approves the action*: the agent may then run it. To say no, reject it.", what=what)
    reject = Button("reject", "Reject instead…", button_value(approval), "danger")
    return [line(said), press("instead", [reject])]


def turn_page(view: dict[str, Any], approval: Approval, page: int) -> View:
    """The same modal at another page, for views.update."""
    noted = read_metadata(view)
    build = _PAGED.get(str(view.get("callback_id")), details_modal)
    return build(approval, str(noted.get("channel", "")), str(noted.get("ts", "")), page)


def reject_modal(approval: Approval, channel: str = "", ts: str = "") -> View:
    """Why not: a common reason, words, or both; the agent is told (docs/rules.md: B6)."""
    parts = [*_sentence(approval), *_why_not()]
    return modal("reject_modal", "Reject", parts, submit="Reject", private=about(approval, channel, ts))


def _why_not() -> list[AnyPart]:
    options = [Option(value, label) for value, label in REJECT_REASONS.items()]
    return [
        Input("reject_reason", "Reason", "static_select", optional=True, options=options, placeholder="Pick one"),
        Input(
            "reason", "In your words", optional=True, multiline=True, hint="The agent reads this. Give at least one."
        ),
    ]


def batch_reject_modal(approvals: Sequence[Approval], channel: str = "", ts: str = "") -> View:
    """Why not, once for all of them, each named."""
    lines = [f"{number}. {summary(found, 200, 360)}" for number, found in enumerate(approvals, 1)]
    private = {"items": batch_value(approvals), "channel": channel, "ts": ts}
    parts = [
        heading(f"Reject {len(approvals)} {'request' if len(approvals) == 1 else 'requests'}"),
        code(Shown("\n".join(lines))),
        *_why_not(),
    ]
    return modal("batch_reject_modal", "Reject", parts, submit="Reject", private=private)


def edit_modal(approval: Approval, channel: str = "", ts: str = "", page: int = 0) -> View:
    """The parameters as typed inputs; what cannot be edited here stays as it is.

    Where the card could not show everything, the full view comes first.
    """
    fields = editable(approval)
    fixed = [f"{found.label}: {found.fixed}" for found in fields if found.fixed]
    ending: list[AnyPart] = [_edit_input(found) for found in fields if not found.fixed]
    if fixed:
        ending.append(code(clip(Shown("\n".join(fixed)), 2800), f"Unchanged ({len(fixed)})"))
    if approval.policy and approval.policy.confirm_amount_above_usd is not None:
        above = usd(approval.policy.confirm_amount_above_usd)
        hint = f"Only needed above {above}: type the amount again."
        ending.append(Input("amount", "Confirm the amount", optional=True, hint=hint, most_chars=40))
    ending.append(_note("Note for the agent", "It is told what changed and why."))
    submit = "Approve with changes"
    if needs_full_view(approval):
        return _review("edit_modal", "Edit", approval, ending, submit, (channel, ts, page))
    parts = [*_sentence(approval), *ending]
    return modal("edit_modal", "Edit", parts, submit=submit, private=about(approval, channel, ts))


def _edit_input(found: Field) -> Input:
    options = [Option(str(index), label) for index, label in enumerate(found.labels)]
    return Input(
        found.block_id,
        found.label,
        found.kind,
        "edit_value",
        found.initial,
        optional=found.optional,
        multiline=found.multiline,
        hint=found.hint,
        decimal=found.decimal,
        options=options,
    )


def take_over_modal(approval: Approval, channel: str = "", ts: str = "") -> View:
    """Taking over: the agent only reads from then on (docs/rules.md: C4)."""
    parts = [
        *_sentence(approval),
        line(Mrkdwn("You do it by hand. The agent only reads from now on, until you hand it back.")),
        _note("Note", "The agent and your colleagues read this."),
    ]
    return modal("take_over_modal", "Take over", parts, submit="Take over", private=about(approval, channel, ts))


def hand_back_modal(approval: Approval, channel: str = "", ts: str = "") -> View:
    """Handing back: what was done by hand, and how things stand now."""
    parts = [
        *_sentence(approval),
        Input("steps", "What you did", multiline=True, hint="One step a line. The agent does not repeat these."),
        Input("state", "How things stand now", optional=True, multiline=True),
    ]
    return modal("hand_back_modal", "Hand back", parts, submit="Hand back", private=about(approval, channel, ts))


def request_info_modal(approval: Approval, channel: str = "", ts: str = "") -> View:
    """A question to the agent; the clock stands still until it answers (docs/rules.md: C1)."""
    parts = [
        *_sentence(approval),
        Input("question", "What do you need to know?", multiline=True, hint="The clock stands still until it answers."),
    ]
    return modal("request_info_modal", "Ask the agent", parts, submit="Ask", private=about(approval, channel, ts))


def escalate_modal(approval: Approval, channel: str = "", ts: str = "") -> View:
    """Passing it on to the next role."""
    parts = [
        *_sentence(approval),
        Input("reason", "Why pass it on?", optional=True, multiline=True, hint="The next reviewer reads this."),
    ]
    return modal("escalate_modal", "Escalate", parts, submit="Escalate", private=about(approval, channel, ts))


def choose_modal(approval: Approval, channel: str = "", ts: str = "", page: int = 0) -> View:
    """The full view with all candidates, then one to pick."""
    redact = redactor_of(approval)
    options = [Option(choice.id, redact(choice.label)) for choice in approval.request.choices or ()]
    kind = "radio_buttons" if len(options) <= RADIO else "static_select"
    ending = [
        *_approves(approval, "a choice"),
        Input("choose", "Your choice", kind, options=options),
        *_amount(approval),
        _note("Note for the agent"),
    ]
    return _review("choose_modal", "Choose & approve", approval, ending, WITH_CHOICE, (channel, ts, page))


def answer_modal(approval: Approval, channel: str = "", ts: str = "", page: int = 0) -> View:
    """The agent's open question and the answer to it; the full view first where the card could not show everything."""
    given = approval.votes[-1].answer if approval.votes else None
    hint = "Given by somebody else already: send it as it is to agree, or write another." if given else None
    ending = [
        *_approves(approval, "an answer"),
        Input("answer", "Your answer", initial=given, multiline=True, hint=hint),
        *_amount(approval),
    ]
    if needs_full_view(approval):
        return _review("answer_modal", "Answer & approve", approval, ending, WITH_ANSWER, (channel, ts, page))
    question = approval.request.question
    asked = [_quoted(approval, "The agent asks", question)] if question else []
    parts = [*_sentence(approval), *asked, *ending]
    private = about(approval, channel, ts)
    return modal("answer_modal", "Answer & approve", parts, submit=WITH_ANSWER, private=private)


_PAGED: Final[dict[str, Callable[[Approval, str, str, int], View]]] = {
    "approve_modal": approve_modal,
    "edit_modal": edit_modal,
    "choose_modal": choose_modal,
    "answer_modal": answer_modal,
}


def undo_modal(approval: Approval, channel: str = "", ts: str = "") -> View:
    """Asking for what was allowed to be undone (docs/rules.md: A14)."""
    running = "The agent is asked to roll this back, and its report is shown here."
    waiting = "It has not run yet: after this it never will."
    told = line(Mrkdwn(waiting if approval.granted else running))
    parts = [*_sentence(approval), told, _note("Why?", "The agent and your colleagues read this.")]
    return modal("undo_modal", "Undo", parts, submit="Undo", private=about(approval, channel, ts))


def review_incident_modal(approval: Approval, channel: str = "", ts: str = "") -> View:
    """What went wrong with something that ran without asking (docs/rules.md: F2)."""
    note = Input(
        "note", "What went wrong?", multiline=True, hint="Kept as a label; it counts in every later suggestion."
    )
    parts = [*_sentence(approval), note]
    return modal("review_incident_modal", "Incident", parts, submit="Incident", private=about(approval, channel, ts))


def notice_modal(title: str, text: str, approval: Approval | None = None) -> View:
    """A refusal or the news that something changed; with `approval`, its present state too."""
    parts: list[AnyPart] = [line(text if isinstance(text, Mrkdwn) else brief(text, 700))]
    if approval is not None:
        parts += [*_sentence(approval), line(settled_sentence(approval))]
    return modal("notice_modal", title, parts, private=about(approval) if approval else {})


def loading_modal(title: str = "One moment") -> View:
    """What opens at once while the real view is made; a trigger lives only 3 s."""
    return modal("loading_modal", title, [line(Mrkdwn("⏳ Loading…"))])


__all__ = [
    "INPUT_CHARS",
    "REJECT_REASONS",
    "about",
    "answer_modal",
    "approve_modal",
    "batch_reject_modal",
    "choose_modal",
    "details_modal",
    "edit_modal",
    "escalate_modal",
    "hand_back_modal",
    "loading_modal",
    "notice_modal",
    "read_metadata",
    "reject_modal",
    "request_info_modal",
    "review_incident_modal",
    "take_over_modal",
    "turn_page",
    "undo_modal",
]
