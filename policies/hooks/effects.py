"""What a tool call does, from its name and its arguments alone."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policies.hooks.address import fetching
from policies.hooks.content import content_problem
from policies.hooks.tools import TOOLS, Does, Tool
from policies.hooks.verbs import of_name
from policies.shell import places
from policies.shell.classes import Effect, Finding, Verdict, verdict
from policies.shell.judge import judge
from policies.shell.operands.databases import sql_finding
from policies.shell.patches import patched
from policies.shell.places import Places, Where
from policies.shell.table import Table

MAX_ARGUMENTS = 2_000


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a call is made: what is known of the machine, the session's directory, and the table of programs."""

    places: Places
    cwd: str | None
    table: Table


def effect_of(tool: str, arguments: Mapping[str, Any], around: Surroundings) -> Verdict:
    """What the call does; what is not known is unknown."""
    known = TOOLS.get(tool)
    if known is None:
        return verdict([of_name(tool), *_arguments(arguments, around, writes=of_name(tool).effect is not Effect.READ)])
    if known.does is Does.TALKS:
        return verdict([Finding(Effect.READ, f"{tool} stays between the agent and its host")])
    odd = [name for name, value in arguments.items() if name != known.argument and name not in known.others and value]
    found = list(_by_tool(known, tool, arguments, around))
    if odd:
        found.append(Finding(Effect.UNKNOWN, f"{tool} with {odd[0]}, which is not known here"))
    return verdict(found)


def _by_tool(known: Tool, tool: str, arguments: Mapping[str, Any], around: Surroundings) -> Iterator[Finding]:
    value = _value(known, arguments)
    if value is None and known.optional:
        value = "."
    if known.does is Does.RUNS:
        yield from _runs(value, arguments, around)
    elif known.does is Does.PATCHES:
        yield from _patches(arguments, around)
    elif known.does is Does.FETCHES:
        yield from map(fetching, _addresses(known, value))
    elif not isinstance(value, str) or not value:
        yield Finding(Effect.UNKNOWN, f"{tool} without its {known.argument}")
    else:
        yield from _on_path(known.does, _absolute(value, around), arguments, around)


def _value(known: Tool, arguments: Mapping[str, Any]) -> Any:
    """The tool's argument; some hosts have more than one name for a path."""
    given = [
        arguments[name]
        for name in (known.argument, "file_path", "absolute_path", "path", "dir_path")
        if arguments.get(name) is not None
    ]
    return arguments.get(known.argument) if known.does in (Does.RUNS, Does.FETCHES) else next(iter(given), None)


def _addresses(known: Tool, value: Any) -> list[Any]:
    """What is fetched: the argument itself, or every address in a prompt; a prompt without any is looked at as one."""
    found = _ADDRESS.findall(value) if known.argument == "prompt" and isinstance(value, str) else []
    return [one.rstrip(".,;:!?)]}'\"") for one in found] or [value]


_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)


def _absolute(path: str, around: Surroundings) -> str | None:
    if path.startswith("~/"):
        path = f"{around.places.home}{path[1:]}"
    return around.places.absolute(path, around.cwd)


# -- commands


def _runs(value: Any, arguments: Mapping[str, Any], around: Surroundings) -> Iterator[Finding]:
    command = _line(value)
    if command is None:
        yield Finding(Effect.UNKNOWN, "a command that is no text")
        return
    cwd = around.cwd
    for name in ("workdir", "cwd", "directory", "dir_path"):
        directory = arguments.get(name)
        if isinstance(directory, str) and directory:
            cwd = around.places.absolute(directory, around.cwd)
    found = judge(command, around.places, cwd=cwd, table=around.table)
    yield from found.findings
    if problem := _written(command, found):
        yield Finding(Effect.UNKNOWN, problem, command[:200])


def _line(value: Any) -> str | None:
    """A command line; a list of words is one whose words need no reading, so each is quoted."""
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, list) and value and all(isinstance(word, str) for word in value):
        return " ".join("'" + word.replace("'", "'\\''") + "'" for word in value)
    return None


def _written(command: str, found: Verdict) -> str | None:
    """A command line that changes a file which tools run by themselves, with a text that does more than it seems."""
    if found.effect is not Effect.LOCAL:
        return None
    names = set(re.findall(r"[\w./-]+", command))
    return next((problem for name in names if (problem := content_problem(name, command))), None)


# -- files


def _on_path(does: Does, path: str | None, arguments: Mapping[str, Any], around: Surroundings) -> Iterator[Finding]:
    if does is Does.WRITES:
        yield places.writing(path, around.places)
        yield from _content(path, arguments, around)
        return
    if does is Does.LISTS:
        yield Finding(Effect.READ, "lists names of files")
        return
    deep = does is Does.SEARCHES
    yield places.reading(path, around.places, deep=deep)
    for name in ("glob", "include", "include_pattern"):
        chosen = arguments.get(name)
        if isinstance(chosen, str) and path is not None:
            yield places.reading(f"{path}/{chosen}", around.places, glob=True)


def _content(path: str | None, arguments: Mapping[str, Any], around: Surroundings) -> Iterator[Finding]:
    if path is None:
        return
    edits = arguments.get("edits")
    changes = (
        [arguments, *(edit for edit in edits if isinstance(edit, dict))] if isinstance(edits, list) else [arguments]
    )
    for change in changes:
        text = "\n".join(
            str(change[name]) for name in ("new_string", "content", "new_source", "patch") if change.get(name)
        )
        if problem := content_problem(path, text, str(change.get("old_string") or "")):
            yield Finding(Effect.DESTRUCTIVE, f"changes {around.places.relative(path)}: {problem}")


def _patches(arguments: Mapping[str, Any], around: Surroundings) -> Iterator[Finding]:
    """A patch names the files that it changes."""
    text = next((arguments[name] for name in ("input", "patch", "command") if arguments.get(name)), None)
    if isinstance(text, list):
        text = text[-1] if text else None
    found = list(patched(text)) if isinstance(text, str) else []
    if not found:
        yield Finding(Effect.UNKNOWN, "a patch that cannot be read")
    for one in found:
        path = _absolute(one.path, around)
        yield places.writing(path, around.places)
        if path is not None and (problem := content_problem(path, _added(str(text)))):
            yield Finding(Effect.DESTRUCTIVE, f"changes {around.places.relative(path)}: {problem}")


def _added(patch: str) -> str:
    return "\n".join(line[1:] for line in patch.splitlines() if line.startswith("+"))


# -- arguments of tools that are known by name only

_COMMANDS = frozenset(
    {"cmd", "command", "commands", "cli_command", "shell", "script", "bash", "exec", "cmdline", "command_line"}
)
_CODE = frozenset({"code", "javascript", "expression", "function", "python", "source_code", "eval"})
_SQL = frozenset({"sql", "query", "statement", "statements", "queries"})
_IS_SQL = re.compile(
    r"^\s*(?:--[^\n]*\n\s*)*(?:select\b.*\bfrom\b|select\s+[\w(]|insert\s+into\s+\S|update\s+\S+\s+set\b|delete\s+from\s+\S|merge\s+into\b|with\s+\S+.*\bas\s*\("
    r"|(?:drop|alter|create|truncate)\s+(?:table|database|schema|view|index|user|role|function|trigger|type|extension|sequence|materialized|or|temp|unique)\b"
    r"|truncate\s+\S+\s*;?\s*$|(?:grant|revoke)\b.*\bon\b|copy\s+\S+\s+(?:to|from)\b|call\s+\w+\s*\(|explain\s|vacuum\b)",
    re.IGNORECASE | re.DOTALL,
)
_PATHS = re.compile(
    r"(?:^|_)(?:path|paths|file|files|filename|filepath|file_path|dir|directory|folder|source|src|destination|dest|dst|target|output|input)$"
)
_URLS = re.compile(r"(?:^|_)(?:url|uri|href|link|endpoint|webhook)s?$")


def _arguments(arguments: Mapping[str, Any], around: Surroundings, *, writes: bool) -> Iterator[Finding]:
    """What the arguments of any tool give away: a command, a statement, a path, an address."""
    for number, (name, value) in enumerate(_leaves(arguments)):
        if number > MAX_ARGUMENTS:
            yield Finding(Effect.UNKNOWN, "more arguments than can be looked at")
            return
        key = name.casefold().replace("-", "_")
        if not isinstance(value, str):
            continue
        if key in _COMMANDS:
            yield from judge(value, around.places, cwd=around.cwd, table=around.table).findings
        elif key in _CODE:
            yield Finding(Effect.UNKNOWN, f"runs code ({name})")
        elif key == "sql" or (key in _SQL and _IS_SQL.match(value)):
            yield sql_finding(value)
        elif _URLS.search(key) or value.startswith(("http://", "https://")):
            yield fetching(value)
        elif value.startswith(("/", "~/", "file://", "..")) and (_PATHS.search(key) or value.count("/") > 1):
            yield _path(value.removeprefix("file://"), around, writes=writes)
        elif _PATHS.search(key) and ("/" in value or "." in value):
            yield _path(value, around, writes=writes)


def _path(value: str, around: Surroundings, *, writes: bool) -> Finding:
    path = _absolute(value, around)
    if not writes:
        return places.reading(path, around.places, deep=True)
    if around.places.where(path) is Where.SCRATCH:
        return Finding(Effect.DESTRUCTIVE, f"writes {value}, outside the work tree")
    return places.writing(path, around.places)


def _leaves(value: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and depth < 32:
        for key, child in value.items():
            yield from _leaves(child, str(key), depth + 1)
    elif isinstance(value, list) and depth < 32:
        for child in value:
            yield from _leaves(child, name, depth + 1)
    else:
        yield name, value


# -- where a call is made


def surroundings(
    *,
    cwd: str | None,
    transcript: str | None,
    project: str | None,
    work_trees: list[str],
    scratch: list[str],
    table: Table,
) -> Surroundings:
    """What can be known of the machine from what a host sends; the work tree is not where an agent happens to stand.

    Configured trees count first; then where the host was started; then the project that it keeps its transcript under; then the
    session's directory, which with Codex is whatever directory the agent names for the call.
    """
    directory = posixpath.normpath(cwd) if cwd and cwd.startswith("/") else None
    home = places.home_of(transcript, directory)
    trees = [_at_home(tree, home) for tree in work_trees]
    if trees:
        tree = max((tree for tree in trees if directory and places.within(directory, tree)), key=len, default=None)
    elif project:
        tree = places.tree_of(project)
    elif transcript and (slug := _project(transcript)):
        tree = _with_slug(directory, slug)
    else:
        tree = places.tree_of(directory)
    extra = tuple(_at_home(place, home) for place in scratch)
    return Surroundings(Places(tree, home, extra_scratch=extra), directory, table)


def _at_home(path: str, home: str) -> str:
    return posixpath.normpath(f"{home}{path[1:]}" if path.startswith("~/") else path)


def _project(transcript: str) -> str | None:
    """The name of the project in `…/.claude/projects/<name>/<session>.jsonl`."""
    found = re.search(r"/\.claude/projects/([^/]+)/", transcript)
    return found[1] if found else None


def _with_slug(directory: str | None, slug: str) -> str | None:
    """The ancestor of `directory` that the host would call `slug`."""
    while directory and directory != "/":
        if re.sub(r"[^A-Za-z0-9]", "-", directory) == slug:
            return places.tree_of(directory)
        directory = posixpath.dirname(directory)
    return None


def matches(pattern: str, name: str) -> bool:
    """Whether a tool's name fits a pattern with stars."""
    return fnmatch.fnmatchcase(name, pattern.replace("[", "[[]").replace("?", "[?]"))
