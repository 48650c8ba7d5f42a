"""A replay as a table that needs no knowledge of the manifest."""

from __future__ import annotations

from collections.abc import Sequence

from policies.replay.compare import OUTCOMES, Report
from policies.sentences import usd

_WORDS = {
    "full_auto": "runs by itself",
    "notify_only": "runs by itself, people are told",
    "soft_approval": "a person may object",
    "hard_approval": "a person must agree",
    "human_takeover": "a person does it",
    "denied": "refused by policy",
    "blocked": "unknown action, blocked",
    "malformed": "malformed, refused",
}


def table(report: Report) -> str:
    """The whole report as text, widest columns first aligned; money in dollars, time in person-hours."""
    parts = [_summary(report)]
    if report.old is not None:
        parts.append(_moves(report))
    parts.append(_verdict(report))
    return "\n\n".join(parts)


def _summary(report: Report) -> str:
    sides = [side for side in (report.old, report.new) if side is not None]
    heads = ["What happens to them", *(["now"] if report.old else []), "new" if report.old else "calls"]
    rows = [
        [_WORDS[outcome], *(str(side.outcomes[outcome]) for side in sides)]
        for outcome in OUTCOMES
        if any(side.outcomes[outcome] for side in sides)
    ]
    rows.append(["decisions by people", *(str(side.decisions) for side in sides)])
    minutes = f"{report.minutes_per_decision:g} min each"
    rows.append([f"person-hours ({minutes})", *(f"{side.person_hours:.1f}" for side in sides)])
    rows.append(["money that moves without a person", *(_dollars(side.usd_unseen) for side in sides)])
    if report.labelled_incidents:
        rows.append(["known incidents that run unseen", *(str(side.incidents_let_through) for side in sides)])
    return f"{report.calls} calls replayed\n\n" + _aligned([heads, *rows])


def _moves(report: Report) -> str:
    if not report.moves:
        return "No call ends differently."
    heads = ["", "Action", "From", "To", "Calls", "Money", "Because"]
    rows = [
        [
            "LOOSER" if move.looser else "stricter",
            move.action,
            _WORDS[move.before],
            _WORDS[move.after],
            str(move.calls),
            _dollars(move.usd),
            move.reason[:80],
        ]
        for move in report.moves
    ]
    return f"{report.moved} calls end differently (the reason is that of the first):\n\n" + _aligned([heads, *rows])


def _verdict(report: Report) -> str:
    if report.old is None:
        return f"People would spend {report.new.person_hours:.1f} hours on these calls."
    hours = report.new.person_hours - report.old.person_hours
    change = "the same time" if abs(hours) < 0.05 else f"{abs(hours):.1f} hours {'more' if hours > 0 else 'less'}"
    lines = [f"People would spend {change} on these calls."]
    if report.incidents_newly_let_through:
        count = report.incidents_newly_let_through
        lines.append(
            f"WARNING: {count} known incident{'s' if count > 1 else ''} would now run without anybody looking."
        )
    if report.incidents_newly_stopped:
        count = report.incidents_newly_stopped
        lines.append(f"{count} known incident{'s' if count > 1 else ''} would now be stopped for a person or refused.")
    return "\n".join(lines)


def _dollars(amount: float) -> str:
    return usd(round(amount, 2))


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(_cell(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "-" * max(len(line) for line in lines), *lines[1:]])


def _cell(text: str, width: int) -> str:
    number = text[:1].isdigit() or text.startswith(("$", "-$"))
    return text.rjust(width) if number else text.ljust(width)
