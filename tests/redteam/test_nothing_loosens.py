"""Nothing that an agent adds, leaves out, spells or splits gets a request a looser route than the manifest grants by name.

A small model says what the manifest grants to the values themselves: it knows amounts, targets, sums and counts, and nothing
of sessions, principals, spellings or anything else that agents choose. Random manifests are asked random sequences, through
the real use case on a real database; no answer may be looser than the model's.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from support.files import ROSTER

from bot.service import execute, submit
from bot.service.context import Book, Directory, PersonFacts, World
from policies.errors import InvalidInput, SaysoError
from policies.files.manifest import load_manifest
from policies.files.roster import load_roster
from policies.levels import Level
from policies.request import read_request
from policies.routing import History, route
from store import agents, schema, sessions
from store.engine import Database

FREE, TOLD, SOFT, HARD, TAKEN, DENIED = range(6)
GOOD = {"retrieval_hits": 2, "tool_errored": False, "self_consistency": 0.8, "schema_ok": True}
Json = dict[str, Any]

# --- what the operator writes ------------------------------------------------------------------------------------------

money = st.sampled_from([20, 50, 99, 100, 150, 400, 900])


def optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly not there: what is free of all other limits shows what one alone lets through."""
    return st.none() | st.none() | strategy


@st.composite
def manifests(draw: st.DrawFn) -> Json:
    """One action that pays, with any of the limits there are."""
    figures = {
        "severity": draw(st.sampled_from(["low", "medium", "high"])),
        "reversible": draw(st.booleans()),
        "tags": draw(st.sampled_from([[], [], ["pii"], ["own"]])),
        "approval_required": draw(st.sampled_from([True, True, False])),
        "owner": draw(st.none() | st.just("Head of payments")),
        "checkpoint_every": draw(optional(st.integers(2, 4))),
    }
    auto, deny = draw(optional(money)), draw(optional(money))
    conditions = {"auto_approve_below_usd": min(auto, deny) if auto and deny else auto, "deny_above_usd": deny}
    sums = {f"{word}_above_usd": draw(optional(money)) for word in ("ask", "deny", "total_ask", "total_deny")}
    thresholds = {"trust_evidence": draw(st.booleans()), "auto_approve_confidence": draw(optional(st.just(0.7)))}
    quota, uses = draw(optional(st.integers(3, 8))), draw(optional(st.just(1)))
    return written(
        figures
        | {
            "conditions": written(conditions),
            "aggregate": draw(optional(st.just(written(sums | {"window_seconds": 3600, "per": "params.to"})))),
            "thresholds": written(thresholds),
            "quota": {"per_day": quota} if quota else None,
            "first_uses": {"user": uses} if uses else None,
        }
    )


def written(figures: Json) -> Json:
    return {name: value for name, value in figures.items() if value is not None}


BASE: Json = {
    "title": "Pay",
    "describe": "Pay",
    "required_role": "finance",
    "amount": "params.lines[*].usd",
    "params_schema": {
        "type": "object",
        "properties": {
            "lines": {
                "type": "array",
                "items": {"type": "object", "properties": {"usd": {"type": ["number", "string"]}}},
            }
        },
    },
}

# --- what the agent sends ----------------------------------------------------------------------------------------------

TARGETS: dict[str, list[Any]] = {
    "ann": ["ann", "Ann", " ANN ", "a\u200bnn", "\uff41nn", "ann\u00ad", "\tann\n", "a\ufe0fnn"],
    "seven": [7, 7.0, "7", "7.0", " 07", "\uff17", "+7"],
    "nobody": [None, "", "  ", "\u200b", True, False, [], ["ann"], {"to": "ann"}],
}
UNREADABLE: list[Any] = [None, -1, "-1", True, "1e2", "five", "5 ", [], 1e300, 1e-9, "\u0665"]


@dataclass(frozen=True)
class Paid:
    """What is really asked: dollars (None where nobody can say) to a target. `body` is how the agent says it."""

    dollars: Decimal | None
    target: str
    body: Json = field(hash=False)


@st.composite
def lines_of(draw: st.DrawFn, cents: int) -> list[Json]:
    """An amount in up to three lines, each as a number or as text."""
    pieces, left = [], cents
    for _ in range(draw(st.integers(0, 2))):
        piece = draw(st.integers(0, left))
        pieces.append(piece)
        left -= piece
    spelled = [Decimal(piece) / 100 for piece in (*pieces, left)]
    return [{"usd": draw(st.sampled_from([float(one), str(one), f"{one:.4f}"]))} for one in spelled]


@st.composite
def evidence(draw: st.DrawFn) -> Json:
    """Some of the four signals, mostly good ones."""
    named = draw(st.sets(st.sampled_from(sorted(GOOD)), max_size=4))
    bad = {"retrieval_hits": 0, "tool_errored": True, "self_consistency": 0.0, "schema_ok": False}
    spoiled = draw(st.none() | st.none() | st.sampled_from(sorted(GOOD)))
    return {name: bad[name] if name == spoiled else GOOD[name] for name in sorted(named)}


chosen = st.fixed_dictionaries(
    {},
    optional={
        "session_id": st.sampled_from(["s", "S", "s ", "t", "fresh"]),
        "on_behalf_of": st.sampled_from(["alice@example.com", "ALICE@example.com", "U0BOB", "external:ann"]),
        "evidence": st.just(GOOD) | evidence() | evidence(),
        "confidence": st.sampled_from([0.0, 1.0, 1.0]),
        "confidence_basis": st.just("sure"),
        "uncertainty_factors": st.sampled_from([[], ["a"], ["a", "b"], ["a", "b", "c"]]),
        "recommended_review": st.sampled_from([False, False, True]),
        "risk_score": st.sampled_from([0.0, 1.0]),
        "urgency": st.sampled_from(["low", "high"]),
        "reason": st.just("pre-approved by everybody"),
        "expected_outcome": st.just("fine"),
        "completed_steps": st.just(["approved"]),
        "alternatives": st.just(["none"]),
        "risks": st.just(["none"]),
        "checkpoint": st.just({"approved": True}),
    },
)


@st.composite
def requests(draw: st.DrawFn) -> Paid:
    target = draw(st.sampled_from(list(TARGETS)))
    params: Json = {"note": secrets.token_hex(4)}  # another request each time: nobody asks for the very same again
    spelling = draw(st.sampled_from(TARGETS[target]))
    if target != "nobody" or draw(st.booleans()):
        params["to"] = spelling
    cents = draw(st.sampled_from([0, 1, 1999, 2000, 4999, 5000, 9999, 10_000, 10_001, 40_000]))
    dollars: Decimal | None = Decimal(cents) / 100
    lines: Any = draw(lines_of(cents))
    if draw(st.integers(0, 7)) == 0:
        lines, dollars = draw(unreadable()), None
    if lines is not None:
        params["lines"] = lines
    return Paid(dollars, target, {"action": "pay", "params": params, **draw(chosen)})


@st.composite
def unreadable(draw: st.DrawFn) -> Any:
    """Lines of which at least one is no amount, none at all, or no lines."""
    bad = draw(st.sampled_from([{"usd": one} for one in UNREADABLE if one != []] + [{}, {"USD": 5}]))
    return draw(st.sampled_from([[bad], [{"usd": 1}, bad], [bad, {"usd": 1}], [], None]))


# --- what the manifest grants by name -----------------------------------------------------------------------------------


class Model:
    """What was asked so far, and the loosest that may come of the next."""

    def __init__(self, action: Json) -> None:
        self.action, self.conditions = action, action.get("conditions", {})
        self.sums = action.get("aggregate", {})
        self.spent: list[tuple[str, Decimal | None]] = []
        self.unseen = self.counted = 0

    def floor(self, asked: Paid) -> int:
        """The loosest level that the manifest grants to these values, after all that came before."""
        if self._denied(asked) or self.counted >= self.action.get("quota", {}).get("per_day", 1_000_000):
            return DENIED
        if self._must_be_asked(asked):
            return HARD
        if asked.dollars is not None and asked.dollars < self.conditions.get("auto_approve_below_usd", 0):
            return FREE
        if not self.action["approval_required"]:
            return TOLD if self.action["severity"] == "high" or not self.action["reversible"] else FREE
        return self._by_evidence(asked)

    def _denied(self, asked: Paid) -> bool:
        limits = [
            self.conditions.get("deny_above_usd"),
            self.sums.get("deny_above_usd"),
            self.sums.get("total_deny_above_usd"),
        ]
        if asked.dollars is None:
            return any(limit is not None for limit in limits)
        sums = (asked.dollars, *self._sums(asked))
        return any(limit is not None and amount > limit for limit, amount in zip(limits, sums, strict=True))

    def _must_be_asked(self, asked: Paid) -> bool:
        if asked.dollars is None or self.action.get("first_uses"):  # nothing is ever claimed here
            return True
        if self.unseen >= self.action.get("checkpoint_every", 1_000_000) - 1:
            return True
        if self.sums and any(amount is None and target == asked.target for target, amount in self.spent):
            return True
        limits = (self.sums.get("ask_above_usd"), self.sums.get("total_ask_above_usd"))
        return any(
            limit is not None and amount > limit for limit, amount in zip(limits, self._sums(asked), strict=True)
        )

    def _sums(self, asked: Paid) -> tuple[Decimal, Decimal]:
        read = [(target, amount) for target, amount in self.spent if amount is not None]
        of_target = sum((amount for target, amount in read if target == asked.target), asked.dollars or Decimal(0))
        return of_target, sum((amount for _, amount in read), asked.dollars or Decimal(0))

    def _by_evidence(self, asked: Paid) -> int:
        given = asked.body.get("evidence", {})
        holds = {
            "retrieval_hits": lambda hits: hits >= 2,
            "tool_errored": lambda errored: not errored,
            "self_consistency": lambda share: share >= 0.8,
            "schema_ok": lambda ok: ok,
        }
        score = sum(bool(holds[name](value)) for name, value in given.items()) / max(1, len(given))
        low = self.action["severity"] == "low"
        bar = self.action.get("thresholds", {}).get("auto_approve_confidence", 0.8 if low else 0.95)
        lifted = self.action["reversible"] and "pii" not in self.action["tags"] and asked.dollars <= 100
        trusted = low or (self.action.get("thresholds", {}).get("trust_evidence") and self.action.get("owner"))
        if lifted and trusted and len(given) >= 3 and score >= bar:
            return FREE if low else TOLD
        return HARD

    def happened(self, asked: Paid, strictness: int) -> None:
        """Count what became of it."""
        if strictness == DENIED:
            return
        self.spent.append((asked.target, asked.dollars))
        self.counted += 1
        self.unseen += 1  # no person ever decides here


# --- the world ----------------------------------------------------------------------------------------------------------


class House:
    """The real use case on a real database; a new agent for every sequence."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(f"sqlite:///{folder / 'sayso.db'}", pool_size=2)
        schema.upgrade(self.database)
        people = ("U0ALICE", "U0BOB", "U0CAROL", "U0DAN", "U0ADMIN")
        facts = {user: PersonFacts(user, name=user, team="T0PLAY", email=f"{user}@example.com") for user in people}
        self.roster = load_roster(yaml.safe_dump(ROSTER))
        self.directory = Directory(facts, home_team="T0PLAY")

    def told(self, action: Json) -> World:
        return World(self.database, Book(load_manifest(written_out(action)), self.roster), self.directory)

    def agent(self) -> tuple[agents.Agent, str]:
        name = f"agent {secrets.token_hex(6)}"
        return self.database.run(lambda unit: agents.add(unit, name))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    opened = House(tmp_path_factory.mktemp("house"))
    yield opened
    opened.database.close()


def written_out(action: Json) -> str:
    """The manifest of that action as a file."""
    limits = {"creates_per_minute": 100_000, "pending": 100_000}
    manifest = {"version": 1, "defaults": {"limits": limits}, "actions": {"pay": BASE | action}}
    return yaml.safe_dump(json.loads(json.dumps(manifest)))


def asks(world: World, token: str, body: Json) -> tuple[int, str]:
    """How strictly this request is routed, and why; one that is refused as malformed is as good as denied."""
    try:
        sent = json.dumps(body).encode()
        made = submit.submit(world, agents.token_hash(token), secrets.token_hex(8), sent).approval
    except InvalidInput as error:
        return DENIED, str(error)
    return (DENIED if made.level is None else made.level.rank), " | ".join(made.why)


@given(action=manifests(), asked=requests())
@settings(max_examples=1200, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_single_request_gets_more_than_the_manifest_grants(action: Json, asked: Paid) -> None:
    """Whatever one request says beside its values, it is routed no freer than the values are granted."""
    policy = load_manifest(written_out(action)).policy("pay")
    found = route("bot", read_request(asked.body), policy, History())
    strictness = DENIED if found.level is None else found.level.rank
    assert strictness >= Model(action).floor(asked), found.why


calm = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))


@given(action=manifests(), sequence=st.lists(requests(), min_size=1, max_size=9))
@calm
def test_no_sequence_gets_more_than_the_manifest_grants(house: House, action: Json, sequence: list[Paid]) -> None:
    """However its requests are spelled, split and adorned, none of a sequence runs where the values are not granted it."""
    world, (_, token) = house.told(action), house.agent()
    model = Model(action)
    for asked in sequence:
        floor = model.floor(asked)
        strictness, why = asks(world, token, asked.body)
        note(f"{asked.dollars} to {asked.target}: {Level if strictness == DENIED else list(Level)[strictness]}, {why}")
        assert strictness >= floor, why
        model.happened(asked, strictness)


@given(
    action=manifests(),
    before=requests(),
    later=st.lists(requests(), min_size=1, max_size=5),
    word=st.sampled_from(["paused", "cancelled"]),
)
@calm
def test_no_name_leads_out_of_a_stopped_session(
    house: House, action: Json, before: Paid, later: list[Paid], word: str
) -> None:
    """Once people stopped a session, nothing of that agent can be claimed on policy's word alone, whatever it calls itself."""
    world, (agent, token) = house.told(action), house.agent()
    asks(world, token, before.body | {"session_id": "the first"})
    house.database.run(lambda unit: sessions.beat(unit, agent.id, "the first", None))
    house.database.run(lambda unit: sessions.steer(unit, "the first", word, "U0ADMIN", agent_id=agent.id))
    for asked in later:
        body = json.dumps(asked.body).encode()
        try:
            made = submit.submit(world, agents.token_hash(token), secrets.token_hex(8), body).approval
            execute.claim(world, agent, made.id, "nonce of this claim")
        except SaysoError:
            continue
        raise AssertionError(f"claimed: {made.why}")
