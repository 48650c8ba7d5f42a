"""A manifest tried on recorded tool calls: what would have run, and what a person would have been asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from policies.errors import BadFile, InvalidInput
from policies.files.manifest import Manifest
from policies.hooks.mapping import mapped
from policies.request import check_params, read_request
from policies.routing import History, RouteName, route
from policies.strict_json import parse_object

# Recorded calls name no directory: this is where the public sets of them were made to play.
TREE = "/home/dev/project"
AGENT = "agent"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One recorded call. `should` is `run` or `ask` where somebody judged it, `doubt` why readers may differ."""

    number: int
    tool: str
    arguments: dict[str, Any]
    cwd: str
    should: str | None = None
    origin: str = ""
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a call: `outcome` is run, ask or deny; `why` the reason in a clause."""

    call: ToolCall
    outcome: str
    action: str
    why: str

    @property
    def missed(self) -> bool:
        """It ran, and somebody says that a person should have been asked."""
        return self.call.should == "ask" and self.outcome == "run"

    @property
    def needless(self) -> bool:
        """A person was asked, and somebody says that it may run."""
        return self.call.should == "run" and self.outcome != "run"


@dataclass(frozen=True, slots=True)
class Trial:
    """All calls together."""

    tried: tuple[Tried, ...]

    @property
    def missed(self) -> list[Tried]:
        """Calls that ran and should have been asked, those about which there is doubt left out."""
        return [one for one in self.tried if one.missed and not one.call.doubt]

    @property
    def doubtful(self) -> list[Tried]:
        """Calls that ran and should have been asked, about which readers may differ."""
        return [one for one in self.tried if one.missed and one.call.doubt]

    def needless(self, origin: str = "") -> tuple[int, int]:
        """How many calls were asked about that may run, and of how many; of one origin where it is named."""
        may = [one for one in self.tried if one.call.should == "run" and (not origin or one.call.origin == origin)]
        return sum(one.needless for one in may), len(may)

    @property
    def outcomes(self) -> dict[str, int]:
        """How many calls ended how."""
        counted = Counter(one.outcome for one in self.tried)
        return {outcome: counted[outcome] for outcome in ("run", "ask", "deny")}

    def as_dict(self) -> dict[str, Any]:
        """The trial as JSON values."""
        origins = sorted({one.call.origin for one in self.tried if one.call.origin})
        return {
            "calls": len(self.tried),
            "outcomes": self.outcomes,
            "missed": [_told(one) for one in self.missed],
            "missed_in_doubt": [_told(one) for one in self.doubtful],
            "needless": {
                origin or "all": dict(zip(("asked", "of"), self.needless(origin), strict=True))
                for origin in ("", *origins)
            },
            "rows": [_told(one) for one in self.tried],
        }


def _told(one: Tried) -> dict[str, Any]:
    facts = asdict(one.call)
    return {"line": facts.pop("number"), **facts, "outcome": one.outcome, "action": one.action, "why": one.why}


def is_tool_calls(text: str) -> bool:
    """Whether the file's first line is a tool call, and not a request for approval."""
    first = next((line for line in text.split("\n") if line.strip()), "")
    try:
        facts = parse_object(first.encode("utf-8", "surrogatepass"))
    except InvalidInput:
        return False
    return "tool" in facts and "action" not in facts


def read_tool_calls(text: str, *, path: str, tree: str = TREE) -> list[ToolCall]:
    """The calls in JSON lines: `tool` and `input`, and where known `cwd`, `should`, `origin`, `doubt`. Raises BadFile."""
    calls = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            calls.append(_call(parse_object(line.encode("utf-8", "surrogatepass")), number, tree))
        except InvalidInput as error:
            raise BadFile(str(error), path=path, line=number, field=error.field) from None
    return calls


def _call(facts: dict[str, Any], number: int, tree: str) -> ToolCall:
    tool, arguments = facts.get("tool"), facts.get("input")
    if not isinstance(tool, str) or not tool:
        raise InvalidInput("must be the name of a tool", field="tool")
    if not isinstance(arguments, dict):
        raise InvalidInput("must be an object", field="input")
    should = facts.get("should")
    if should not in (None, "run", "ask"):
        raise InvalidInput("must be run or ask", field="should")
    texts = {name: str(facts.get(name) or "") for name in ("origin", "doubt")}
    return ToolCall(number, tool, arguments, str(facts.get("cwd") or tree), should, **texts)


def trial(manifest: Manifest, calls: Iterable[ToolCall]) -> Trial:
    """Every call judged by itself, as if nothing had been asked before."""
    return Trial(tuple(_tried(manifest, call) for call in calls))


def _tried(manifest: Manifest, call: ToolCall) -> Tried:
    found = mapped(manifest, call.tool, call.arguments, cwd=call.cwd)
    why = found.verdict.why or found.verdict.effect.value
    if found.action is None:
        return Tried(call, "deny", "", found.refusal or "")
    try:
        request = read_request({"action": found.action, "params": call.arguments})
        policy = manifest.policy(found.action)
        check_params(policy.params_schema, request.params)
    except InvalidInput as error:
        return Tried(call, "deny", found.action, f"{error.field}: {error}")
    went = route(AGENT, request, policy, History())
    outcome = {RouteName.AUTO: "run", RouteName.ASK: "ask"}.get(went.name, "deny")
    return Tried(call, outcome, found.action, why if outcome != "deny" else went.why[0])


def table(found: Trial) -> str:
    """The trial as text for people."""
    outcomes = found.outcomes
    lines = [
        f"{len(found.tried)} tool calls tried",
        f"  run by themselves   {outcomes['run']}",
        f"  ask a person        {outcomes['ask']}",
        f"  refused             {outcomes['deny']}",
    ]
    if not any(one.call.should for one in found.tried):
        return "\n".join(lines)
    should = sum(one.call.should == "ask" and not one.call.doubt for one in found.tried)
    doubt = sum(one.call.should == "ask" and bool(one.call.doubt) for one in found.tried)
    lines.append(
        f"Ran though they should be asked: {len(found.missed)} of {should} (and {len(found.doubtful)} of {doubt} in doubt)"
    )
    lines.extend(_lines(found.missed, "MISSED"))
    lines.extend(_lines(found.doubtful, "in doubt"))
    for origin in ("", *sorted({one.call.origin for one in found.tried if one.call.origin})):
        asked, of = found.needless(origin)
        if of:
            lines.append(
                f"Asked though they may run: {asked} of {of} ({asked / of:.1%}){f' of {origin}' if origin else ''}"
            )
    return "\n".join(lines)


def _lines(found: Sequence[Tried], lead: str) -> list[str]:
    return [
        f"  {lead}, line {one.call.number}: {one.call.tool} {str(one.call.arguments)[:100]} ({one.why})"
        for one in found
    ]
