"""A branch agent: tidies a git repository, and asks before it deletes a merged branch.

    python examples/branch_agent.py work   --repository DIR      asks, then exits
    python examples/branch_agent.py resume --repository DIR      a new process: deletes what was approved

What is approved is one commit: a branch that has moved since is left alone. SAYSO_URL, SAYSO_TOKEN and
SAYSO_STATE_DIR say where to ask, as whom, and where to remember it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from answering import to_the_point
from repository import Branch, NotDeletable, Repository
from resumable import CannotAct, ResumableAgent, command_line, run, say

from sayso import Approval, Grant, Sayso


class BranchAgent(ResumableAgent):
    """Asks about every branch that has been merged."""

    session_id: ClassVar[str] = "branch-tidying"
    title: ClassVar[str] = "Branch tidying"

    def __init__(self, client: Sayso, repository: Repository, into: str = "main") -> None:
        super().__init__(client)
        self.repository = repository
        self.into = into

    def work(self, limit: int) -> int:
        """Ask about each merged branch as it stands; the same commit is asked about once."""
        branches = self.repository.merged(self.into)[:limit]
        for branch in branches:
            self.session.checkpoint()
            self._ask_about(branch)
        return len(branches)

    def act(self, grant: Grant, context: Mapping[str, Any]) -> str:
        """Delete the granted branch if it still is what was approved."""
        granted = grant.params
        if granted["repository"] != self.repository.name:
            raise CannotAct(f"this is {self.repository.name}, not {granted['repository']}")
        try:
            return self.repository.delete(granted["branch"], granted["last_commit"], granted["merged_into"])
        except NotDeletable as problem:
            raise CannotAct(str(problem)) from None

    def explain(self, question: str, context: Mapping[str, Any]) -> str:
        """What git knows of what was asked."""
        name = context["branch"]
        log = self.repository.log(name)
        facts = {
            "risk": f"Nothing is lost: every commit of {name} stays in {self.into}, and `git branch {name} <commit>` makes it again.",
            "who": f"Who committed to {name}: {', '.join(self.repository.authors(name)) or 'nobody'}.",
            "why": f"Every commit of {name} is in {self.into}, so the branch is not needed any more.",
            "when": f"The last commit of {name}: {log.partition(chr(10))[0]}",
            "what": f"{name} is merged into {self.into}:\n{log}",
        }
        return to_the_point(question, facts)

    def accept(self, approval: Approval, context: Mapping[str, Any]) -> None:
        """The branch stays; the same commit is not asked about again."""
        say(f"{context['about']}: stays")

    def failed(self, why: str, context: Mapping[str, Any]) -> None:
        """The branch stays; as it has moved, the next process asks about it anew."""

    def _ask_about(self, branch: Branch) -> None:
        params = {
            "repository": self.repository.name,
            "branch": branch.name,
            "last_commit": branch.commit,
            "merged_into": self.into,
        }
        self.ask(
            "delete_branch",
            params,
            f"{branch.name}@{branch.commit}",
            {"about": f"branch {branch.name}", "branch": branch.name},
            reason=f"Every commit of it is in {self.into}. The last one: {branch.subject} ({branch.committed_on}).",
            completed_steps=["listed the merged branches", f"checked that {self.into} contains {branch.commit[:8]}"],
            risks=["Whoever still works on it has to create it again."],
            expected_outcome=f"{branch.name} is gone; its commits stay in {self.into}.",
        )


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; the exit status."""
    parser = command_line(__doc__)
    parser.add_argument("--repository", type=Path, required=True, help="the working tree to tidy")
    parser.add_argument("--into", default="main", help="the branch that others are merged into")
    options = parser.parse_args(arguments)
    return run(options, lambda client: BranchAgent(client, Repository(options.repository), options.into))


if __name__ == "__main__":
    sys.exit(main())
