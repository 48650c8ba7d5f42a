"""`python -m bot policy …`: draft and lint the two files, explain a route, try a manifest on past calls, propose, tune."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from bot.cli import drafts, hooks, progress
from bot.server.workspace import loaded
from policies import explain
from policies.errors import BadFile, SaysoError
from policies.files.described import described
from policies.files.manifest import Manifest, ManifestFile, load_manifest
from policies.files.roster import Roster, RosterFile, load_roster
from policies.hooks.trial import is_tool_calls
from policies.learning import proposal
from policies.lint import check
from policies.replay import compare, table
from policies.replay.calls import Call, read_calls
from policies.request import Request, read_request
from policies.strict_json import parse_object

OK, FOUND_ERRORS, UNUSABLE = 0, 1, 2
SCHEMAS: dict[str, type[ManifestFile] | type[RosterFile]] = {"manifest": ManifestFile, "roster": RosterFile}
Replayed = Callable[[Iterable[Call]], compare.Report]
RecordedCalls = Callable[[str, Replayed], compare.Report]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `policy` with its subcommands."""
    policy = subparsers.add_parser("policy", help="draft, lint, explain and replay action manifests")
    policy.set_defaults(run=run)
    verbs = policy.add_subparsers(dest="policy_command", required=True, metavar="COMMAND")
    check = verbs.add_parser("check", help="lint a manifest; exit 1 on errors")
    check.add_argument("path", metavar="PATH")
    check.add_argument("--roster", metavar="PATH", help="check roles, quorums and escalation paths against this roster")
    _add_explain(verbs.add_parser("explain", help="say how a request would route, and why"))
    _add_replay(verbs.add_parser("replay", help="say what a manifest would have done with past calls"))
    drafts.add_init(verbs.add_parser("init", help="print a first manifest for tools that are there already"))
    schema = verbs.add_parser("schema", help="print the JSON Schema of a file, for editors")
    schema.add_argument("file", choices=sorted(SCHEMAS))
    propose = verbs.add_parser("propose", help="print what agents earned, as a diff of the manifest for its owner")
    propose.add_argument("path", metavar="PATH", nargs="?", help="the manifest (default: the one in SAYSO_MANIFEST)")
    tune = verbs.add_parser("tune", help="what the last 14 days suggest to change in the manifest; nothing is applied")
    tune.add_argument("path", metavar="PATH", nargs="?", help="the manifest (default: the one in SAYSO_MANIFEST)")
    tune.add_argument("--page", metavar="N", type=int, default=1, help="of the report, 40 lines each (default: 1)")
    for verb in (check, verbs.choices["explain"], verbs.choices["replay"], propose, tune):
        verb.add_argument("--json", action="store_true", help="print JSON for machines")


def _add_explain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH")
    parser.add_argument("action", metavar="ACTION", nargs="?")
    parser.set_defaults(complain=parser.error)
    hooks.add_explain(parser)
    parser.add_argument("--params", metavar="JSON", default="{}", help="the parameters, as a JSON object")
    parser.add_argument("--evidence", metavar="JSON", help='such as \'{"retrieval_hits": 3, "tool_errored": false}\'')
    parser.add_argument("--confidence", metavar="SHARE", type=float, help="the agent's own word, 0 to 1")
    parser.add_argument("--agent", metavar="NAME", default="agent", help="who asks (for allow and block lists)")


def _add_replay(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("new", metavar="NEW")
    parser.add_argument("--old", metavar="PATH", help="compare with this manifest (default: the one in SAYSO_MANIFEST)")
    parser.add_argument(
        "--calls", metavar="FILE.jsonl", help="calls, one JSON object a line (default: the recorded ones)"
    )
    hooks.add_replay(parser)
    parser.add_argument(
        "--minutes",
        metavar="M",
        type=_minutes,
        default=compare.MINUTES_PER_DECISION,
        help="a person's minutes per decision",
    )


def _minutes(text: str) -> float:
    minutes = float(text)
    if not (math.isfinite(minutes) and minutes >= 0):
        raise argparse.ArgumentTypeError("must be 0 or more")
    return minutes


def recorded_calls(database_url: str, work: Replayed) -> compare.Report:
    """What `work` makes of the requests that the store remembers, as calls, one after another; a terminal sees how far it is."""
    from store import reports  # only this command needs a database

    def watched(calls: Iterable[Call], total: int) -> compare.Report:
        with progress.shown("replaying", total) as tell:
            return work(progress.counted(calls, tell))

    return reports.over_calls(database_url, watched)


def run(args: argparse.Namespace, *, recorded: RecordedCalls = recorded_calls) -> int:
    """Run one `policy` subcommand: 0 fine, 1 the check found errors, 2 a file or an argument cannot be used."""
    try:
        match args.policy_command:
            case "check":
                return _check(args)
            case "explain":
                return _explain(args)
            case "replay":
                return _replay(args, recorded)
            case "propose":
                return _propose(args)
            case "tune":
                return _tune(args)
            case "init":
                return drafts.init(args, _read)
            case _:
                return _schema(args)
    except (SaysoError, _Unreadable) as error:
        field = getattr(error, "field", None)
        named = f"{field}: " if field and not isinstance(error, BadFile) and field not in str(error) else ""
        print(f"sayso: {named}{error}", file=sys.stderr)
        return UNUSABLE


class _Unreadable(Exception):
    """A file cannot be read."""


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise _Unreadable(f"{path}: is not UTF-8 text") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise _Unreadable(f"{path}: {reason or 'cannot be read'}") from None


def _manifest(path: str) -> Manifest:
    return load_manifest(_read(path), path=path)


def _check(args: argparse.Namespace) -> int:
    try:
        manifest = _manifest(args.path)
        roster = load_roster(_read(args.roster), path=args.roster) if args.roster else None
    except BadFile as error:
        return _told_bad(error, as_json=args.json)
    return _told(_findings(manifest, roster, args), as_json=args.json)


def _findings(manifest: Manifest, roster: Roster | None, args: argparse.Namespace) -> list[check.Finding]:
    return check.lint(manifest, roster, path=args.path, roster_path=args.roster or "reviewers.yml")


def _told_bad(error: BadFile, *, as_json: bool) -> int:
    if as_json:
        named = f"{error.field}: {error.problem}" if error.field else error.problem
        return _told([check.Finding("error", error.path, error.line or 1, named, "Correct this first")], as_json=True)
    print(f"sayso: {error}", file=sys.stderr)
    return FOUND_ERRORS


def _told(findings: list[check.Finding], *, as_json: bool) -> int:
    errors = sum(finding.severity == "error" for finding in findings)
    warnings = sum(finding.severity == "warning" for finding in findings)
    if as_json:
        listed = [{key: getattr(finding, key) for key in finding.__slots__} for finding in findings]
        _print_json({"ok": not errors, "errors": errors, "warnings": warnings, "findings": listed})
    else:
        for finding in findings:
            print(finding)
        print(f"{errors} errors, {warnings} warnings")
    return FOUND_ERRORS if errors else OK


def _explain(args: argparse.Namespace) -> int:
    if (args.action is None) == (args.hook is None):
        args.complain("give exactly one of ACTION and --hook TOOL")
    manifest = _manifest(args.path)
    if args.hook:
        return hooks.explain_call(args, manifest, _json_object(args.params, "--params"), _print_json)
    explanation = explain.explain(manifest, _request(args), agent=args.agent)
    if args.json:
        _print_json(explanation.as_dict())
    else:
        print(explain.in_words(explanation, path=args.path))
    return OK


def _request(args: argparse.Namespace) -> Request:
    body: dict[str, Any] = {"action": args.action, "params": _json_object(args.params, "--params")}
    if args.evidence is not None:
        body["evidence"] = _json_object(args.evidence, "--evidence")
    if args.confidence is not None:
        body["confidence"] = args.confidence
    return read_request(body)


def _json_object(text: str, option: str) -> dict[str, Any]:
    try:
        return parse_object(text.encode("utf-8", "surrogatepass"))
    except SaysoError as error:
        raise _Unreadable(f"{option}: {error}") from None


def _replay(args: argparse.Namespace, recorded: RecordedCalls) -> int:
    new = _manifest(args.new)
    text = _read(args.calls) if args.calls else None
    if text is not None and is_tool_calls(text):
        return hooks.try_calls(args, new, text, _print_json)
    settings = loaded()
    before = args.old or (str(settings.manifest) if "manifest" in settings.model_fields_set else None)
    old = _manifest(before) if before else None
    if text is not None:
        report = compare.replay(read_calls(text, path=args.calls), old, new, minutes_per_decision=args.minutes)
    else:
        judge = partial(compare.replay_in_time, old=old, new=new, minutes_per_decision=args.minutes)
        report = recorded(settings.database_url, judge)
    if args.json:
        _print_json(report.as_dict())
    else:
        print(table.table(report))
    return OK


def _propose(args: argparse.Namespace) -> int:
    from store import reports  # only this command and replay need a database

    settings = loaded()
    path = args.path or str(settings.manifest)
    manifest = _manifest(path)
    watched = any(action.autonomy is not None for action in manifest.file.actions.values())
    records, now = reports.read_records(settings.database_url, manifest) if watched else ([], datetime.now(UTC))
    wanted = proposal.proposals(manifest, records)
    diff = proposal.difference(manifest.document.text, proposal.accepted(manifest, wanted, now), path)
    if args.json:
        _print_json({"proposals": [asdict(one) for one in wanted], "diff": diff})
    elif wanted:
        print("\n".join(f"# {one}" for one in wanted), diff, sep="\n", end="")
    else:
        print("# no agent has earned a level")
    return OK


def _tune(args: argparse.Namespace) -> int:
    from bot.service import tuning
    from store import reports

    settings = loaded()
    path = args.path or str(settings.manifest)
    manifest = _manifest(path)
    roster = load_roster(_read(str(settings.roster)), path=str(settings.roster)) if settings.roster.exists() else None
    found = reports.reading(settings.database_url, lambda unit: tuning.report(unit, manifest, roster))
    if args.json:
        _print_json(found.as_dict())
    else:
        print(tuning.as_text(tuning.paragraphs(found), args.page))
    return OK


def _schema(args: argparse.Namespace) -> int:
    schema = described(SCHEMAS[args.file])
    _print_json({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
    return OK


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))
