"""What a card says of the same request asked before: who said no and why, that it was withdrawn, or that it is open elsewhere."""

from __future__ import annotations

from typing import Final

from bot.render.labels import Names, ago, nobody, person
from bot.render.redaction import Redactor
from bot.render.visible_text import Mrkdwn, clip, escape, fill, visible
from policies.approval import Approval
from policies.earlier import Earlier, What

LINES, PATHS = 3, 3
WORDS_CHARS, WORDS_BYTES = 160, 320

_SAID: Final = {
    What.REJECTED: ("⛔", "Rejected before", "A similar request was rejected"),
    What.UNDONE: ("↩️", "Undone before", "A similar request was undone"),
    What.CANCELLED: ("🚫", "Cancelled before", "A similar request was cancelled"),
    What.EXPIRED: ("⌛", "Expired before, undecided", "A similar request expired, undecided"),
    What.BY_HAND: ("✋", "Done by hand before", "A similar request was done by hand"),
    What.OPEN: ("🔁", "Also asked", "A similar request is open"),
}
_WHOSE: Final = {What.CANCELLED: "it was with", What.EXPIRED: "it was with", What.OPEN: "it waits for"}


def asked_before(approval: Approval, redact: Redactor, names: Names = nobody) -> Mrkdwn | None:
    """The lines of a pending card; None where it was never asked before."""
    known = approval.again
    if known is None or not approval.pending:
        return None
    lines = [_line(approval, one, redact, names) for one in known.earlier[:LINES]]
    more = len(known.earlier) - LINES
    return Mrkdwn("\n".join([*lines, *([f"and {more} more before"] if more > 0 else [])]))


def mark(approval: Approval) -> Mrkdwn | None:
    """The same in two or three words, for lists; None where nobody said no."""
    known = approval.again
    if known is None or not approval.pending or not known.noes:
        return None
    sign, same, _ = _SAID[known.noes[0].what]
    return fill("{sign} {words}", sign=Mrkdwn(sign), words=Mrkdwn(same[0].lower() + same[1:]))


def _line(approval: Approval, one: Earlier, redact: Redactor, names: Names) -> Mrkdwn:
    sign, same, similar = _SAID[one.what]
    line = fill("{sign} *{words}*", sign=Mrkdwn(sign), words=Mrkdwn(similar if one.differs else same))
    if one.what is What.OPEN and one.session_id:
        line = fill("{line} in session {session}", line=line, session=_words(redact(one.session_id), 60))
    if one.by and one.what not in _WHOSE:
        line = fill("{line} by {who}", line=line, who=_who(approval, one, names))
    line = fill("{line} {at}", line=line, at=ago(one.at))
    if one.by and one.what in _WHOSE:
        line = fill("{line}; {whose} {who}", line=line, whose=Mrkdwn(_WHOSE[one.what]), who=_who(approval, one, names))
    if one.agent:
        line = fill("{line}, asked by {agent}", line=line, agent=_words(one.agent, 60))
    if one.differs:
        line = fill("{line}; it differs in {paths}", line=line, paths=_paths(one))
    if one.what is What.OPEN:
        line = fill("{line} · {id}", line=line, id=_words(one.id, 40))
    return fill("{line}: “{note}”", line=line, note=_words(redact(one.note), WORDS_CHARS)) if one.note else line


def _who(approval: Approval, one: Earlier, names: Names) -> Mrkdwn:
    """Whoever it was, by name: nobody is notified of what they did."""
    assert one.by is not None
    if one.by == approval.assignee and approval.hushed:
        return _words(approval.named or one.by, 60)
    return _words(one.named, 60) if one.named else person(one.by, names)


def _paths(one: Earlier) -> Mrkdwn:
    shown = ", ".join(path.removeprefix("params.") for path in one.differs[:PATHS])
    return _words(f"{shown} and more" if len(one.differs) > PATHS else shown, 120)


def _words(text: str, chars: int) -> Mrkdwn:
    """Words that are not ours, in bounded room after escaping too."""
    shown = escape(clip(visible(" ".join(text.split())), chars, WORDS_BYTES))
    return shown if len(shown) <= 4 * chars else escape(clip(visible(text), chars // 4, WORDS_BYTES // 4))
