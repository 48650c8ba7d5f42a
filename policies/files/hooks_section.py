"""The manifest's `hooks` section: which tool calls of a host are which actions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from policies import expressions
from policies.action_names import found
from policies.files.schema import Line, Strict, one_of
from policies.shell.classes import Effect

Pattern = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_.:/@+~#$%=*-]+$")]
ActionName = Annotated[str, Field(min_length=1, max_length=255)]
_EFFECT = Annotated[Effect, one_of(Effect)]
DENY = "deny"
MAX_WAIT = 86_000


def _listed(value: object) -> object:
    """One of something is a list of one."""
    return value if isinstance(value, list) or value is None else [value]


class HookRule(Strict):
    """One line of the section: calls of these tools that do this are that action."""

    tools: Annotated[list[Pattern], Field(min_length=1, max_length=100), BeforeValidator(_listed)]
    """Names of tools, as the host calls them; `*` stands for any characters."""
    effects: Annotated[list[_EFFECT], Field(min_length=1, max_length=6), BeforeValidator(_listed)] | None = Field(
        default=None, alias="is"
    )
    """What the call does: read, local, unknown, outward, secrets or destructive; any where nothing is said."""
    when: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    """A condition in CEL over params, the tool's arguments."""
    action: ActionName | None = None
    """The action that it is; or give deny."""
    deny: Line | None = None
    """Why the call is refused, in words for the model."""

    @field_validator("when")
    @classmethod
    def _when(cls, value: str | None) -> str | None:
        return None if value is None else expressions.checked(value)

    @model_validator(mode="after")
    def _one_of_two(self) -> HookRule:
        if (self.action is None) == (self.deny is None):
            raise ValueError("action: give exactly one of action and deny")
        return self

    @property
    def wanted(self) -> frozenset[Effect]:
        """The effects that it is about."""
        return frozenset(Effect if self.effects is None else self.effects)


class Hooks(Strict):
    """How tool calls of hosts become actions."""

    otherwise: ActionName
    """The action of a call that no rule maps; or deny."""
    rules: Annotated[list[HookRule], Field(max_length=1000)] = []
    """Which calls are which actions; the most specific that fits decides, whatever the order."""
    commands: Annotated[dict[Annotated[str, Field(max_length=200)], _EFFECT], Field(max_length=500)] = {}
    """What programs of your own do, by their first words."""
    work_tree: Annotated[list[str], Field(max_length=50)] = []
    """Absolute paths of the work trees; where none is given, the directory of the session."""
    scratch: Annotated[list[str], Field(max_length=50)] = []
    """Further places in which writing counts as local, beside the system's own for temporary files."""
    pending: Literal["wait", "defer"] = "wait"
    """What a host does while people decide: wait in the hook, or defer (Claude Code with -p: the process ends and is resumed)."""
    wait_seconds: Annotated[int, Field(ge=1, le=MAX_WAIT)] = 570
    """How long a hook waits at most; less than the host's own time-out."""

    def check(self, actions: frozenset[str]) -> None:
        """Raise ValueError where a rule names an action that the manifest has not."""
        named = [("otherwise", self.otherwise)] + [
            (f"rules[{at}].action", rule.action) for at, rule in enumerate(self.rules)
        ]
        for key, action in named:
            if action is not None and found(actions, action) is None and (action, key) != (DENY, "otherwise"):
                raise ValueError(f"hooks.{key}: {action} is no action of this manifest")

    @field_validator("commands")
    @classmethod
    def _commands(cls, value: dict[str, Effect]) -> dict[str, Effect]:
        for name in value:
            words = name.split(" ")
            if not name or any(not word or "|" in word or "," in word or "/" in word for word in words):
                raise ValueError(f"{name}: must be a program and perhaps its subcommand, such as 'make deploy'")
        return value

    @field_validator("work_tree", "scratch")
    @classmethod
    def _places(cls, value: list[str]) -> list[str]:
        for path in value:
            if not path.startswith(("/", "~/")) or "/../" in f"{path}/" or path.rstrip("/") in ("", "~"):
                raise ValueError(f"{path}: must be an absolute path, or one that begins with ~/")
        return value
