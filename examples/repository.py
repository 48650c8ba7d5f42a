"""A git repository as the branch agent sees it, and a throwaway one to try it on."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

MERGED = (
    ("feature/export-csv", "export.py", "Export invoices as CSV"),
    ("fix/rounding", "rounding.py", "Round half a cent to even"),
    ("chore/drop-old-theme", "theme.py", "Drop the theme nobody chose"),
)
UNMERGED = ("spike/new-parser", "parser.py", "Try another parser")
IDENTITY = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "Demo"), ("EMAIL", "demo@example.com"))
}


class NotDeletable(Exception):
    """The branch is not what was approved; it was left alone."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch as it stands: its tip, and the tip's subject and date."""

    name: str
    commit: str
    committed_on: str
    subject: str


class Repository:
    """The working tree at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.name = self.path.name

    def merged(self, into: str) -> list[Branch]:
        """The branches whose every commit is in `into`; neither `into` itself nor what is checked out."""
        fields = "%(refname:short)%09%(objectname)%09%(committerdate:short)%09%(subject)"
        lines = self._git("for-each-ref", f"--merged={into}", f"--format={fields}", "refs/heads").splitlines()
        branches = (Branch(*line.split("\t", 3)) for line in lines)
        kept = {into, self._checked_out()}
        return [branch for branch in branches if branch.name not in kept]

    def branches(self) -> list[str]:
        """The names of all branches."""
        return self._git("for-each-ref", "--format=%(refname:short)", "refs/heads").splitlines()

    def log(self, branch: str) -> str:
        """The latest five commits, one a line."""
        return self._git("log", "-5", "--format=%h %cs %s", f"refs/heads/{branch}")

    def authors(self, branch: str) -> list[str]:
        """Who made the latest five commits."""
        return sorted(set(self._git("log", "-5", "--format=%an", f"refs/heads/{branch}").splitlines()))

    def delete(self, branch: str, commit: str, into: str) -> str:
        """Delete the branch if its tip is exactly `commit` and `into` holds it. Raises NotDeletable.

        A branch that is gone already counts as deleted: an earlier process may have died after deleting it.
        """
        tip = self._tip(branch)
        if tip is None:
            return f"{branch} is gone already"
        if tip != commit:
            raise NotDeletable(f"{branch} is at {tip[:8]} by now, not at the approved {commit[:8]}")
        if branch in (into, self._checked_out()):
            raise NotDeletable(f"{branch} is in use")
        try:
            self._git("merge-base", "--is-ancestor", commit, f"refs/heads/{into}")
            # git compares the tip with the approved commit once more, under its own lock.
            self._git("update-ref", "-d", f"refs/heads/{branch}", commit)
        except subprocess.CalledProcessError as error:
            raise NotDeletable(f"git refuses to delete {branch}: {error.stderr.strip() or 'not merged'}") from None
        return f"deleted {branch} (it was at {commit[:8]})"

    def _tip(self, branch: str) -> str | None:
        try:
            return self._git("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}^{{commit}}").strip()
        except subprocess.CalledProcessError:
            return None

    def _checked_out(self) -> str:
        return self._git("branch", "--show-current").strip()

    def _git(self, *arguments: str) -> str:
        # GIT_DIR and its like would send git elsewhere.
        clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        command = ["git", "-C", str(self.path), *arguments]
        environment = clean | IDENTITY | {"LC_ALL": "C"}
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        return done.stdout


class Throwaway(Repository):
    """A repository to try the agent on. A person's own git settings (signing, hooks) have no place in it."""

    @classmethod
    def create(cls, path: Path) -> Throwaway:
        """Three merged branches, and one that is not. Raises CalledProcessError."""
        path.mkdir(parents=True)
        repository = cls(path)
        repository._git("init", "--quiet")
        repository._git("symbolic-ref", "HEAD", "refs/heads/main")
        repository._commit("README", "Begin")
        for branch, file, subject in MERGED:
            repository.commit(branch, file, subject)
            repository._git("merge", "--quiet", "--no-ff", "--message", f"Merge {branch}", branch)
        repository.commit(*UNMERGED)
        return repository

    def commit(self, branch: str, file: str, subject: str) -> None:
        """Add a commit with a new line in `file` on `branch`, which is made from main where it is missing."""
        known = self._tip(branch) is not None
        self._git("switch", "--quiet", *([] if known else ["--create"]), branch)
        self._commit(file, subject)
        self._git("switch", "--quiet", "main")

    def _commit(self, file: str, subject: str) -> None:
        with (self.path / file).open("a", encoding="utf-8") as text:
            text.write(f"# {subject}\n")
        self._git("add", file)
        self._git("commit", "--quiet", "--message", subject)

    def _git(self, *arguments: str) -> str:
        return super()._git("-c", "commit.gpgsign=false", "-c", f"core.hooksPath={os.devnull}", *arguments)


def git_is_here() -> bool:
    """Whether this machine has git."""
    return shutil.which("git") is not None
