"""The action manifest: what an organisation says its agents may do (docs/rules.md: A15). Schema and strict loader."""

from __future__ import annotations

import hashlib
from functools import lru_cache, partial
from pathlib import PurePath
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from policies import action_names, expressions, paths, sentences
from policies.deadlines import SlaClock
from policies.files.hooks_section import Hooks
from policies.files.limits import DAY, Aggregate, Amount, Conditions, Limits, Seconds, Thresholds, Usd
from policies.files.params_schema import check_schema
from policies.files.planted import PlantedRequests
from policies.files.policy import (
    HARD_TIMEOUT,
    SOFT_TIMEOUT,
    Kinds,
    OnTimeout,
    Policy,
    Reversibility,
    Severity,
    harmless,
    unknown,
)
from policies.files.retention import Retention
from policies.files.schema import CHANNEL, Line, Share, Strict, Version, Word, one_of, validated
from policies.files.standing_bounds import StandingBounds
from policies.files.strict_yaml import Document, Path, parse
from policies.files.tiers import TIERS, Tier
from policies.files.tightening import Autonomy, FirstUses, Quota, Ratchet, Rule
from policies.kinds import Kind

REGULATED_TAGS = frozenset({"financial", "pii", "regulated"})


Quorum = Annotated[int, Field(ge=1, le=20)]
Channel = Annotated[str, Field(pattern=CHANNEL)]


ActionName = Annotated[
    str, Field(min_length=1, max_length=action_names.MAX_LENGTH, pattern=action_names.NAME_OR_PATTERN)
]
Rules = Annotated[list[Rule], Field(max_length=50)]


class Defaults(Strict):
    """The default for every action that does not say otherwise."""

    channel: Channel = "#approvals"
    """The Slack channel where cards appear."""
    on_timeout: Annotated[OnTimeout, one_of(OnTimeout)] = OnTimeout.DENY
    """What silence means: deny, escalate, hold or approve."""
    required_role: Word | None = None
    """Who decides; the roster's admins where nothing is said."""
    escalation_path: list[Word] = []
    """Fallback roles, in order."""
    tier: Annotated[Tier | None, one_of(Tier)] = None
    """automated, async_review, synchronous_gate or escalation: SLA and timeout by name."""
    sla_seconds: Seconds = 300
    """How long one reviewer has before the next is asked."""
    sla_clock: Annotated[SlaClock, one_of(SlaClock)] = SlaClock.ALWAYS
    """When the SLA runs: always, or in the reviewer's business_hours."""
    approval_timeout_seconds: Seconds | None = None
    """How long anybody has (300 s where silence consents, else 86400 s)."""
    claim_seconds: Seconds = 900
    """How long an approval may wait to be claimed."""
    execution_seconds: Seconds = 3600
    """How long a claimed action may run before its outcome counts as unknown."""
    resubmit_seconds: Seconds = DAY
    """How long a request that was rejected, cancelled or left to expire is remembered when it is asked again."""
    limits: Limits = Limits()
    """What one agent may ask for."""
    ratchet: Annotated[Ratchet, one_of(Ratchet)] = Ratchet.CLASSIC
    """How levels are lost and earned: classic (two failures, ten successes: rough) or sequential (recommended)."""
    planted: bool = False
    """Whether the test requests under planted of the actions are put before reviewers; nothing is planted without it."""
    rules: Rules = []
    """Rules of one's own for every action; they may only tighten."""


class Action(Strict):
    """One action that agents may ask for."""

    title: Annotated[str, Field(min_length=1, max_length=120)]
    """A few words for people."""
    describe: Annotated[str, Field(min_length=1, max_length=1000)]
    """One sentence for the card: a Jinja2 template over params."""
    severity: Annotated[Severity, one_of(Severity)]
    """How bad a mistake is: low, medium or high."""
    reversible: bool | None = None
    """Whether it can be taken back; or give reversibility."""
    reversibility: Annotated[Reversibility | None, one_of(Reversibility)] = None
    """reversible, partially_reversible or irreversible; instead of reversible."""
    tags: list[Word] = []
    """financial, pii and regulated always ask a person; others are your own."""
    approval_required: bool = True
    """false: runs without a person unless a stricter rule speaks."""
    required_role: Word | None = None
    """Who decides."""
    escalation_path: list[Word] | None = None
    """Fallback roles, in order."""
    approvers: Quorum | Annotated[dict[Word, Quorum], Field(min_length=1, max_length=10)] = 1
    """How many distinct people must agree, or how many of each role."""
    kinds: Kinds = [Kind.CONFIRM]
    """How agents may ask: confirm, choose, input; a choice and an answer approve the action."""
    tier: Annotated[Tier | None, one_of(Tier)] = None
    """automated, async_review, synchronous_gate or escalation: SLA and timeout by name."""
    sla_seconds: Seconds | None = None
    """How long one reviewer has before the next is asked."""
    sla_clock: Annotated[SlaClock | None, one_of(SlaClock)] = None
    """When the SLA runs: always, or in the reviewer's business_hours."""
    approval_timeout_seconds: Seconds | None = None
    """How long anybody has before on_timeout."""
    claim_seconds: Seconds | None = None
    """How long an approval may wait to be claimed."""
    execution_seconds: Seconds | None = None
    """How long a claimed action may run before its outcome counts as unknown."""
    resubmit_seconds: Seconds | None = None
    """How long a request that was rejected, cancelled or left to expire is remembered when it is asked again."""
    on_timeout: Annotated[OnTimeout | None, one_of(OnTimeout)] = None
    """What silence means; approve only for low severity and reversible actions."""
    amount: str | Amount | None = None
    """The path of the amount in dollars, such as params.amount_usd; or path, unit and currency."""
    conditions: Conditions = Conditions()
    """Limits on the amount of one request."""
    aggregate: Aggregate | None = None
    """Limits on the sum of amounts within a window."""
    thresholds: Thresholds = Thresholds()
    """Confidence figures."""
    params_schema: dict[str, Any] | None = None
    """JSON Schema of the parameters; references stay within it, patterns run in linear time, formats are checked."""
    batch: bool = False
    """Whether it may share a screen with its like (low severity only)."""
    sample_review: Share = 0.0
    """The share of automatic actions that are reviewed afterwards."""
    undo_window_seconds: Annotated[int, Field(ge=0, le=30 * DAY)] = 0
    """How long Undo is offered afterwards; 0 for not at all."""
    redact: list[str] = []
    """Paths of parameters that cards and logs must not show; params.cards[*].number reaches into lists."""
    reveal: list[str] = []
    """Paths of what is no secret though it looks like one: no pattern hides it."""
    editable: Annotated[list[str], Field(max_length=100)] | None = None
    """Paths of parameters that one person may change alone; another has to confirm any other change."""
    channel: Channel | None = None
    """The Slack channel of this action's cards."""
    agents: list[Word] | None = None
    """The only agents allowed."""
    blocked_agents: list[Word] = []
    """Agents that are refused."""
    owner: Line | None = None
    """Who answers for letting this action run without a person."""
    owner_reason: Line | None = None
    """Why the owner does."""
    confirm_amount_above_usd: Usd | None = None
    """Above this the reviewer types the amount."""
    rules: Rules = []
    """Rules of one's own; they may only tighten."""
    first_uses: FirstUses = FirstUses()
    """How many uses a person sees first."""
    checkpoint_every: Annotated[int, Field(ge=2, le=10_000)] | None = None
    """In a session, how many may run before a person has to decide one."""
    quota: Quota | None = None
    """How often one agent may ask."""
    ratchet: Annotated[Ratchet | None, one_of(Ratchet)] = None
    """How levels are lost and earned: classic or sequential."""
    autonomy: Autonomy | None = None
    """How much oversight an agent starts with, and what it earned."""
    standing: StandingBounds | None = None
    """How far a reviewer may let the like of a request run with one yes; without it nobody may."""
    planted: PlantedRequests | None = None
    """Known-bad requests that reviewers are tested with, never run; only where defaults say planted: true."""

    @field_validator("describe")
    @classmethod
    def _describe(cls, value: str) -> str:
        return sentences.checked(value)

    @field_validator("amount")
    @classmethod
    def _amount(cls, value: str | Amount | None) -> str | Amount | None:
        return paths.reaching(value) if isinstance(value, str) else value

    @field_validator("redact", "reveal")
    @classmethod
    def _reaching(cls, value: list[str]) -> list[str]:
        return [paths.reaching(path) for path in value]

    @field_validator("editable")
    @classmethod
    def _editable(cls, value: list[str] | None) -> list[str] | None:
        return value if value is None else [paths.reaching(path) for path in value]

    @field_validator("params_schema")
    @classmethod
    def _params_schema(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        if value is not None:
            check_schema(value)
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Action:
        if (self.reversible is None) == (self.reversibility is None):
            raise ValueError("reversible: give exactly one of reversible (true or false) and reversibility")
        needs_amount = (
            self.aggregate is not None or self.conditions != Conditions() or self.confirm_amount_above_usd is not None
        )
        if needs_amount and self.amount is None:
            raise ValueError("conditions: limits need amount, the path of the number they judge")
        if self.params_schema is not None:
            try:
                sentences.check_with_schema(self.describe, self.params_schema)
            except ValueError as error:
                raise ValueError(f"describe: {error}") from None
            for at, rule in enumerate(self.rules):
                try:
                    expressions.check_with_schema(rule.when, self.params_schema)
                except ValueError as error:
                    raise ValueError(f"rules.{at}.when: {error}") from None
        if self.batch and self.severity is not Severity.LOW:
            raise ValueError("batch: is for low severity only")
        if self.standing is not None:
            grave = self.severity is Severity.HIGH or self.undoable is Reversibility.IRREVERSIBLE
            self.standing.check(grave=grave, owner=self.owner, amount=self.amount is not None)
        return self

    @property
    def undoable(self) -> Reversibility:
        """How far it can be undone, from either spelling."""
        if self.reversibility is not None:
            return self.reversibility
        return Reversibility.REVERSIBLE if self.reversible else Reversibility.IRREVERSIBLE


class ManifestFile(Strict):
    """The file `actions.yml` as a whole."""

    version: Version
    """The version of this format."""
    defaults: Defaults = Defaults()
    """The default for every action that does not say otherwise."""
    actions: Annotated[dict[ActionName, Action], Field(min_length=1, max_length=1000)]
    """Every action that agents may ask for, by name or by a pattern such as mcp__github__*; any other is blocked."""
    hooks: Hooks | None = None
    """Which tool calls of coding agents and other hosts are which actions."""
    retention: Retention | None = None
    """When parameters and texts of settled requests go, and when whole approvals do; without it everything is kept."""

    @model_validator(mode="after")
    def _sums_are_kept(self) -> ManifestFile:
        kept = self.retention.params_days * DAY if self.retention else None
        if kept is None:
            return self
        for name, action in self.actions.items():
            if action.aggregate is not None and action.aggregate.window_seconds > kept:
                raise ValueError(f"retention.params_days: actions.{name}.aggregate sums over a longer time")
            resubmit = self.defaults.resubmit_seconds if action.resubmit_seconds is None else action.resubmit_seconds
            if resubmit > kept:
                raise ValueError(f"retention.params_days: actions.{name}.resubmit_seconds is a longer time")
        return self

    @model_validator(mode="after")
    def _hooks_name_actions(self) -> ManifestFile:
        if self.hooks is not None:
            self.hooks.check(frozenset(self.actions))
        return self

    @model_validator(mode="after")
    def _planted_are_asked(self) -> ManifestFile:
        for name, action in self.actions.items():
            if action.planted is None:
                continue
            try:
                if action_names.is_pattern(name):
                    raise ValueError("planted: needs an action by its own name, not a pattern")
                action.planted.check(
                    name,
                    schema=action.params_schema,
                    approvers=action.approvers,
                    kinds=action.kinds,
                    batch=action.batch,
                    consents=(action.on_timeout or self.defaults.on_timeout) is OnTimeout.APPROVE,
                )
            except ValueError as error:
                raise ValueError(f"actions.{name}.{error}") from None
        return self

    @model_validator(mode="after")
    def _silence_is_safe(self) -> ManifestFile:
        for name, action in self.actions.items():
            silence = action.on_timeout or self.defaults.on_timeout
            if silence is OnTimeout.APPROVE and not harmless(action.severity, action.undoable):
                raise ValueError(f"actions.{name}.on_timeout: approve is only for low severity and reversible actions")
        return self


# The role of an action that names none: the roster's admins.
ADMINS = "admins"


class Manifest:
    """A loaded action manifest: look an action up by name; `version` is the fingerprint of the file's bytes."""

    def __init__(self, file: ManifestFile, version: str, document: Document, name: str = "actions.yml") -> None:
        self.file, self.version, self.document, self.name = file, version, document, name
        self.limits = file.defaults.limits
        self._policies = {name: self._resolve(name, action) for name, action in file.actions.items()}
        self._entry = lru_cache(maxsize=4096)(partial(action_names.found, self._policies))

    def policy(self, action: str) -> Policy:
        """The policy of `action`: its own, the most specific pattern's, or that of an action that is not `known`.

        `Policy.action` is the entry's name: what a pattern stands for counts together.
        """
        entry = self._entry(action)
        return self._policies[entry] if entry is not None else unknown(action)

    def entry(self, action: str) -> Policy:
        """The same where `action` may be an entry's own name, and that a pattern."""
        return self._policies[action] if action in self._policies else self.policy(action)

    def counted_as(self, action: str) -> tuple[str, ...]:
        """The names that a record of `action` counts under: its own, and the pattern that stands for it."""
        entry = self._entry(action)
        return (action,) if entry is None or entry == action else (action, entry)

    @property
    def actions(self) -> list[str]:
        """The names of all actions, in the file's order."""
        return list(self._policies)

    @property
    def planted(self) -> dict[str, PlantedRequests]:
        """What reviewers are tested with, by action; nothing where the defaults do not switch it on."""
        if not self.file.defaults.planted:
            return {}
        return {name: action.planted for name, action in self.file.actions.items() if action.planted is not None}

    def _resolve(self, name: str, action: Action) -> Policy:
        defaults = self.file.defaults
        sla, timeout = _sla_and_timeout(action, defaults)
        auto = action.thresholds.auto_approve_confidence
        path = defaults.escalation_path if action.escalation_path is None else action.escalation_path
        role = action.required_role or defaults.required_role or ADMINS
        return Policy(
            action=name,
            title=action.title,
            describe=action.describe,
            severity=action.severity,
            reversibility=action.undoable,
            tags=action.tags,
            approval_required=action.approval_required,
            role=role,
            escalation_path=[step for step in dict.fromkeys(path) if step != role],
            approvers=action.approvers,
            sla_seconds=sla,
            soft_timeout_seconds=timeout or SOFT_TIMEOUT,
            hard_timeout_seconds=timeout or HARD_TIMEOUT,
            claim_seconds=action.claim_seconds or defaults.claim_seconds,
            execution_seconds=action.execution_seconds or defaults.execution_seconds,
            on_timeout=action.on_timeout or defaults.on_timeout,
            amount=action.amount,
            conditions=action.conditions,
            aggregate=action.aggregate,
            auto_approve_confidence=auto if auto is not None else 0.80 if action.severity is Severity.LOW else 0.95,
            escalate_confidence=action.thresholds.escalate_confidence,
            params_schema=action.params_schema,
            batch=action.batch,
            sample_review=action.sample_review,
            undo_window_seconds=action.undo_window_seconds,
            redact=action.redact,
            reveal=action.reveal,
            channel=action.channel or defaults.channel,
            agents=action.agents,
            blocked_agents=action.blocked_agents,
            owner=action.owner,
            owner_reason=action.owner_reason,
            confirm_amount_above_usd=action.confirm_amount_above_usd,
            line=self.document.line(("actions", name)),
            ask_above_risk=action.thresholds.ask_above_risk,
            trust_evidence=action.thresholds.trust_evidence,
            rules=[*defaults.rules, *action.rules],
            first_uses=action.first_uses,
            checkpoint_every=action.checkpoint_every,
            quota=action.quota,
            autonomy=action.autonomy,
            ratchet=action.ratchet or defaults.ratchet,
            tier=action.tier or defaults.tier,
            sla_clock=action.sla_clock or defaults.sla_clock,
            kinds=action.kinds,
            editable=action.editable,
            resubmit_seconds=action.resubmit_seconds or defaults.resubmit_seconds,
            standing=action.standing,
            file=self.name,
            lines=self._lines(name, action),
        )

    def _lines(self, name: str, action: Action) -> dict[str, int]:
        """Where each key stands that a reason may rest on: in the action, or in the defaults it comes from."""
        lines, found = self.document.lines, {}
        places: dict[str, list[Path]] = {key: _places(name, key) for key in _CITED}
        places |= {f"rules.{at}": [("defaults", "rules", at)] for at in range(len(self.file.defaults.rules))}
        first = len(self.file.defaults.rules)
        places |= {f"rules.{first + at}": [("actions", name, "rules", at)] for at in range(len(action.rules))}
        for key, candidates in places.items():
            place = next((place for place in candidates if place in lines), None)
            if place is not None:
                found[key] = lines[place]
        return found


def _sla_and_timeout(action: Action, defaults: Defaults) -> tuple[int, int | None]:
    """Seconds, and for the timeout None where nothing was said: the nearer word wins, and a figure before a tier (docs/rules.md: E4)."""
    own, common = TIERS[action.tier], TIERS[defaults.tier]
    said = defaults.sla_seconds if "sla_seconds" in defaults.model_fields_set else None
    sla = action.sla_seconds or own[0] or said or common[0] or defaults.sla_seconds
    return sla, action.approval_timeout_seconds or own[1] or defaults.approval_timeout_seconds or common[1]


_CITED = (
    "conditions.deny_above_usd",
    "aggregate.deny_above_usd",
    "aggregate.total_deny_above_usd",
    "blocked_agents",
    "agents",
    "conditions.always_approve_above_usd",
    "aggregate.ask_above_usd",
    "aggregate.total_ask_above_usd",
    "aggregate",
    "amount",
    "thresholds.escalate_confidence",
    "conditions.auto_approve_below_usd",
    "approval_required",
    "reversibility",
    "tags",
    "thresholds.auto_approve_confidence",
    "on_timeout",
    "thresholds.ask_above_risk",
    "first_uses.agent",
    "first_uses.tool",
    "first_uses.user",
    "checkpoint_every",
    "quota.per_day",
    "autonomy",
    "ratchet",
    "standing",
)


def _places(action: str, key: str) -> list[Path]:
    spellings = ["reversible", "reversibility"] if key == "reversibility" else [key]
    own: list[Path] = [("actions", action, *spelling.split(".")) for spelling in spellings]
    return [*own, ("defaults", *key.split("."))]


def load_manifest(text: str, *, path: str = "actions.yml") -> Manifest:
    """Read an action manifest; raises BadFile naming file, line and key."""
    document = parse(text, path=path)
    file = validated(ManifestFile, document, path)
    return Manifest(file, hashlib.sha256(text.encode()).hexdigest()[:12], document, PurePath(path).name)
