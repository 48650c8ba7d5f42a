"""`policy explain --hook` and `policy replay` on tool calls: how the manifest's `hooks` section maps what hosts send."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from policies import explain
from policies.errors import InvalidInput
from policies.files.manifest import Manifest
from policies.hooks import trial
from policies.hooks.mapping import Mapped, mapped
from policies.request import read_request

OK, MISSED = 0, 1
Print = Callable[[object], None]


def add_explain(parser: argparse.ArgumentParser) -> None:
    """The options of `policy explain` that are about a host's tools."""
    parser.add_argument("--hook", metavar="TOOL", help="explain a host's tool call, such as Bash, instead of an action")
    parser.add_argument("--cwd", metavar="PATH", default=trial.TREE, help="where the call is made; the work tree too")


def add_replay(parser: argparse.ArgumentParser) -> None:
    """The options of `policy replay` that are about a host's tools."""
    parser.add_argument(
        "--work-tree", metavar="PATH", default=trial.TREE, help="of tool calls that name none: where they were made"
    )


def explain_call(args: argparse.Namespace, manifest: Manifest, params: dict[str, Any], print_json: Print) -> int:
    """How one tool call maps and then routes."""
    found = mapped(manifest, args.hook, params, cwd=args.cwd, agent=args.agent)
    routed = None
    if found.action is not None:
        request = read_request({"action": found.action, "params": params})
        routed = explain.explain(manifest, request, agent=args.agent)
    if args.json:
        print_json({"hook": _as_dict(args.hook, found), "route": routed.as_dict() if routed else None})
        return OK
    print("\n".join(_in_words(args.hook, found, args.path)))
    if routed:
        print(explain.in_words(routed, path=args.path))
    return OK


def _as_dict(tool: str, found: Mapped) -> dict[str, Any]:
    parts = [{"part": one.part, "effect": one.effect.value, "why": one.why} for one in found.verdict.findings]
    facts = {"tool": tool, "effect": found.verdict.effect.value, "why": found.verdict.why, "parts": parts}
    return {**facts, "action": found.action, "refusal": found.refusal, "line": found.line, "work_tree": found.tree}


def _in_words(tool: str, found: Mapped, path: str) -> list[str]:
    lines = [
        f"{tool} is {found.verdict.effect}: {found.verdict.why}"
        if found.verdict.why
        else f"{tool} is {found.verdict.effect}"
    ]
    lines += [f"  {one.effect.value:<12} {one.part}  ({one.why})" for one in found.verdict.findings if one.part]
    where = f" [{path}:{found.line}]" if found.line else ""
    lines.append(f"It maps to {found.action}{where}" if found.action else f"It is refused{where}: {found.refusal}")
    lines.append(f"Judged in the work tree {found.tree}" if found.tree else "Judged without a work tree")
    return lines


def try_calls(args: argparse.Namespace, manifest: Manifest, text: str, print_json: Print) -> int:
    """A manifest on recorded tool calls; 1 where a call runs that somebody says should be asked."""
    if manifest.file.hooks is None:
        raise InvalidInput("this manifest has none, so no tool call is mapped", field="hooks")
    found = trial.trial(manifest, trial.read_tool_calls(text, path=args.calls, tree=args.work_tree))
    if args.json:
        print_json(found.as_dict())
    else:
        print(trial.table(found))
    return MISSED if found.missed else OK
