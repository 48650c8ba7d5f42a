"""Citations of rules: each names an id of docs/rules.md, with that link, and nothing else is cited."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

_RULE = re.compile(r"^\| ([A-GI]\d{1,2}) \|", re.MULTILINE)
_LINKED = re.compile(r"docs/rules\.md: ([A-GI]\d{1,2}(?:(?:, | and |-)[A-GI]\d{1,2})*)")
_ID = re.compile(r"[A-GI]\d{1,2}")
# An id in brackets without the link: "(A14)", "(E6, A3)".
_BARE = re.compile(r"\((?:[A-GI]\d{1,2})(?:(?:, | and |-)[A-GI]\d{1,2})*[);:]")
# Papers that the tree does not contain are not cited, as "PAPER.md" or "(PAPER: place)"; the last are hosts' own files.
_PAPER = re.compile(r"\b([A-Z]{5,}\.md)\b|\(([A-Z]{5,})(?:: | rule )")
_OF_HOSTS = {"CLAUDE.md", "AGENTS.md", "GEMINI.md"}
_READ = (".py", ".j2", ".md", ".yml", ".toml")


def rules(root: Path) -> set[str]:
    """The ids that docs/rules.md publishes."""
    published = root / "docs" / "rules.md"
    return set(_RULE.findall(published.read_text(encoding="utf-8"))) if published.exists() else set()


def dangling(root: Path) -> list[str]:
    """Every citation that leads nowhere, as `file:line what`."""
    known = rules(root)
    return [
        fault
        for name in _files(root)
        if name.endswith(_READ) and name != "docs/rules.md" and not name.startswith("tests/house/")
        for fault in _faults(root / name, name, root, known)
    ]


def _files(root: Path) -> list[str]:
    """What is kept of the tree: git's list of a checkout, every file of an unpacked commit."""
    if not (root / ".git").exists():
        return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
    listed = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True)
    return listed.stdout.split("\n")


def _faults(path: Path, name: str, root: Path, known: set[str]) -> list[str]:
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        for cited in _LINKED.finditer(line):
            found += [f"{name}:{number} {rule}" for rule in _ID.findall(cited[1]) if rule not in known]
        found += [f"{name}:{number} {bare[0]}" for bare in _BARE.finditer(line)]
        for paper in _PAPER.finditer(line):
            what = paper[1] or paper[2]
            if what not in _OF_HOSTS and not (root / what).exists():
                found.append(f"{name}:{number} {what}")
    return found
