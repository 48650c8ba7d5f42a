"""How careful to be with a tool: from what it says of itself, and from what its name says. The stricter of both counts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from policies.drafting.tools import Tool
from policies.files.params_schema import parts
from policies.files.policy import Reversibility, Severity
from policies.hooks.verbs import of_name
from policies.shell.classes import Effect

_MONEY = frozenset(
    "pay payment payments payout payouts refund refunds charge charges invoice invoices order orders buy purchase book booking"
    " transfer transfers withdraw withdrawal deposit subscription billing wallet".split()
)
_ADDRESSES = re.compile(r"(?:^|_)(?:url|uri|href|link|endpoint|webhook|host|domain)s?$", re.IGNORECASE)
_FREE_FORM = re.compile(
    r"(?:^|_)(?:sql|query|statement|command|cmd|script|code|expression|shell|jql|cypher)s?$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Caution:
    """What the draft says of a tool, and `decide`: what a person must look at, in a line."""

    severity: Severity
    reversibility: Reversibility
    asks: bool
    decide: str
    financial: bool = False


def caution(tool: Tool) -> Caution:
    """The cautious reading of a tool."""
    effect = of_name(tool.name).effect
    looks = effect is Effect.READ and tool.reads is not False
    money = not looks and bool(_MONEY & {word.casefold() for word in re.findall(r"[A-Za-z][a-z]*", tool.name)})
    who = tool.said_by
    if tool.destroys or effect is Effect.DESTRUCTIVE:
        why = f"{who} says that it may destroy" if tool.destroys else "its name says that it deletes"
        return _grave(why, money)
    if effect is Effect.SECRETS:
        return _grave("its name says that it works with secrets", money)
    if money:
        return Caution(
            Severity.HIGH, Reversibility.PARTIALLY, True, "it may move money: name the amount and limits", True
        )
    if looks:
        return _reading(tool, who)
    if tool.reads:
        said = "its name does not" if effect is Effect.UNKNOWN else "its name says otherwise"
        why = f"{who} says that it only reads, {said}"
        return Caution(Severity.MEDIUM, Reversibility.PARTIALLY, True, why)
    if effect is Effect.UNKNOWN and tool.destroys is None:
        why = "nothing says what it does: say how bad a mistake is and whether it can be undone"
        return Caution(Severity.HIGH, Reversibility.IRREVERSIBLE, True, why)
    why = "it changes something: say how bad a mistake is and whether it can be undone"
    return Caution(Severity.MEDIUM, Reversibility.PARTIALLY, True, why)


def _grave(why: str, money: bool) -> Caution:
    return Caution(Severity.HIGH, Reversibility.IRREVERSIBLE, True, why, money)


def _reading(tool: Tool, who: str) -> Caution:
    """Both must say that it reads, and no parameter may let it do more, before it runs without a person."""
    loose = next(_loose(tool), None)
    if loose:
        why = f"it looks, but {loose} can reach further"
    elif tool.reads:
        why = f"{who} and its name say that it only reads; approval_required: true if a person should see it"
        return Caution(Severity.LOW, Reversibility.REVERSIBLE, False, why)
    else:
        why = f"its name says that it only reads, {who} does not; approval_required: false lets it run"
    return Caution(Severity.LOW, Reversibility.REVERSIBLE, True, why)


def _loose(tool: Tool) -> Iterator[str]:
    """Parameters through which a reading tool can send data away, or run what is written into them."""
    searches = re.search(r"search|find", tool.name, re.IGNORECASE)
    for _, _, part in parts(tool.schema):
        named = part.get("properties")
        for name, child in named.items() if isinstance(named, dict) else ():
            text = not isinstance(child, dict) or child.get("type", "string") in ("string", "array") or "anyOf" in child
            chosen = isinstance(child, dict) and ("enum" in child or "const" in child)
            if searches and name.casefold() == "query":
                continue
            if text and not chosen and (_ADDRESSES.search(name) or _FREE_FORM.search(name)):
                yield re.sub(r"[^\w.-]", "_", name)[:40]
