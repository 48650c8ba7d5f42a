"""What is wrong on this machine: settings, the two policy files, folders, disk space and the end of the audit chain."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from bot.doctor.findings import Finding, ok, unseen, wrong
from bot.server.policybook import load_manifest_of, load_roster_of
from bot.settings import ENV_FILE, SHIPPED, BadSetting, Settings, misspelt
from policies.errors import BadFile
from policies.files.manifest import Manifest
from policies.files.roster import Roster
from policies.lint.check import lint
from store import private_files

FULL, TIGHT = 100_000_000, 1_000_000_000  # bytes


def settings_wrong(problems: ExceptionGroup[BadSetting]) -> list[Finding]:
    """Each setting that keeps everything else from being looked at."""
    found = [_setting(error) for error in problems.exceptions if isinstance(error, BadSetting)]
    return [*found, unseen("everything else", "nothing more can be looked at before these settings can be read")]


def _setting(error: BadSetting) -> Finding:
    name = error.field or "settings"
    cure = f"Correct {name} in the environment or in .env; README.md has the table of settings"
    return wrong(name, str(error).removeprefix(f"{name}: "), cure)


def settings(found: Settings) -> Iterator[Finding]:
    """What is missing among the settings, and what looks like one and is none."""
    try:
        found.require_slack()
        yield ok("settings", "all that are needed are set, and each can be read")
    except BadSetting as error:
        yield _setting(error)
    for told in misspelt():
        name, _, rest = told.partition(" ")
        yield wrong(name, rest, "Rename it, or remove it")
    if ENV_FILE.is_file() and private_files.is_exposed(ENV_FILE):
        yield wrong(
            ".env", "others on this machine can read it, and it holds secrets", f"chmod 600 {ENV_FILE.absolute()}"
        )


def manifest(found: Settings) -> tuple[Manifest | None, list[Finding]]:
    """The action manifest, or why there is none."""
    try:
        return load_manifest_of(found), []
    except (BadFile, BadSetting) as error:
        return None, [_policy_file("SAYSO_MANIFEST", error)]


def roster(found: Settings) -> tuple[Roster | None, list[Finding]]:
    """The roster, or why there is none."""
    try:
        return load_roster_of(found), []
    except (BadFile, BadSetting) as error:
        return None, [_policy_file("SAYSO_ROSTER", error)]


def _policy_file(name: str, error: BadFile | BadSetting) -> Finding:
    said = str(error).removeprefix(f"{name}: ")
    return wrong(name, said, "Correct the file; python -m bot policy check PATH --roster PATH tells when it is right")


def policy(found: Settings, manifest: Manifest | None, roster: Roster | None) -> Iterator[Finding]:
    """What `policy check` says of both files."""
    for name, path, file in (("SAYSO_MANIFEST", found.manifest, manifest), ("SAYSO_ROSTER", found.roster, roster)):
        if file is not None and path.parent == SHIPPED:
            yield wrong(
                name,
                f"is not set: the shipped example is in force ({path.name})",
                f"Write your own, and set {name} to it",
            )
    if manifest is None or roster is None:
        return
    said = lint(manifest, roster, path=str(found.manifest), roster_path=str(found.roster))
    errors = [finding for finding in said if finding.severity == "error"]
    for finding in errors:
        yield wrong("policy", f"{Path(finding.path).name}:{finding.line}: {finding.message}", finding.suggestion)
    warnings = sum(finding.severity == "warning" for finding in said)
    advice = (
        f"{warnings} warnings: python -m bot policy check {found.manifest} --roster {found.roster}" if warnings else ""
    )
    if not errors:
        yield ok("policy", f"{len(manifest.actions)} actions, {len(roster.roles)} roles", advice)
    if manifest.planted:
        yield ok("test requests", f"reviewers of {', '.join(sorted(manifest.planted))} are tested now and then")
    if roster.operations is None:
        yield wrong(
            "operations channel",
            "none is named: nobody is told what needs a person",
            'Add operations: {channel: "#ops"} to the roster',
        )


def folders(found: Settings, sqlite: Path | None) -> Iterator[Finding]:
    """Where files are written: whether they can be, whether there is room, and who else may read them."""
    data = found.folder
    places = {"SAYSO_DATA_DIR": data} | ({"SAYSO_DATABASE_URL": sqlite.parent} if sqlite else {})
    told: set[Path] = set()
    for name, folder in places.items():
        there = next(place for place in (folder, *folder.parents) if place.exists())
        if there in told:
            continue
        told.add(there)
        if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
            yield wrong(
                name,
                f"{there} cannot be written to by this user",
                f"chown it to the server's user, or set {name} elsewhere",
            )
            continue
        yield _room(name, there)
    if sqlite is not None and sqlite.exists():
        yield from _file(sqlite)


def _room(name: str, folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    told = f"{free / 1e9:.1f} GB free at {folder}"
    if free < FULL:
        return wrong("disk", f"{told}: soon nothing can be decided", f"Make room, or set {name} to a larger disk")
    return ok("disk", told, "Little room: make some, or watch it" if free < TIGHT else "")


def _file(path: Path) -> Iterator[Finding]:
    if not os.access(path, os.R_OK | os.W_OK):
        yield wrong(
            "SAYSO_DATABASE_URL", f"{path} cannot be written to by this user", f"chown it to the server's user: {path}*"
        )
    elif private_files.is_exposed(path):
        yield wrong("SAYSO_DATABASE_URL", f"others on this machine can read {path}", f"chmod 600 {path}*")
