"""The branch agent, process by process, on a real git repository with a scripted reviewer."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from branch_agent import BranchAgent
from repository import MERGED, UNMERGED, Repository, Throwaway, git_is_here

from sayso import State
from sayso.testing import FakeSayso

pytestmark = pytest.mark.skipif(not git_is_here(), reason="git is not installed")
EXPORT, ROUNDING, THEME = (name for name, _, _ in MERGED)
SPIKE = UNMERGED[0]


@pytest.fixture
def shop(tmp_path: Path) -> Throwaway:
    return Throwaway.create(tmp_path / "shop")


def asked(sayso: FakeSayso, shop: Repository) -> dict[str, str]:
    """One process asks and ends; approval ids by branch."""
    BranchAgent(sayso, shop).work(10)
    return {one.params["branch"]: one.approval_id for one in sayso.asked}


def resumed(sayso: FakeSayso, shop: Repository) -> int:
    """A new process with nothing in memory; how many requests it leaves open."""
    return BranchAgent(sayso.restarted(), Repository(shop.path)).resume()


def git_branches(shop: Repository) -> set[str]:
    """What git itself says."""
    command = ["git", "-C", str(shop.path), "branch", "--format=%(refname:short)"]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


def test_asks_about_merged_branches_only(sayso: FakeSayso, shop: Throwaway) -> None:
    """Each merged branch is asked about with the commit it stands at; main and unmerged ones are not."""
    asked(sayso, shop)
    assert {one.params["branch"] for one in sayso.asked} == {EXPORT, ROUNDING, THEME}
    assert all(len(one.params["last_commit"]) == 40 for one in sayso.asked)
    assert {one.params["merged_into"] for one in sayso.asked} == {"main"}


def test_deletes_exactly_what_was_approved(sayso: FakeSayso, shop: Throwaway) -> None:
    """The approved branch goes, the rejected and the undecided stay, and a second process changes nothing."""
    ids = asked(sayso, shop)
    sayso.decide(ids[EXPORT]).approve()
    sayso.decide(ids[ROUNDING]).reject("still needed")
    assert resumed(sayso, shop) == 1
    assert resumed(sayso, shop) == 1
    assert git_branches(shop) == {"main", ROUNDING, THEME, SPIKE}
    assert sayso.get(ids[EXPORT]).state is State.SUCCEEDED


def test_leaves_a_branch_that_moved_since_it_was_approved(sayso: FakeSayso, shop: Throwaway) -> None:
    """A commit after the approval keeps the branch, and the result says why."""
    ids = asked(sayso, shop)
    sayso.decide(ids[ROUNDING]).approve()
    shop.commit(ROUNDING, "rounding.py", "Another thought")
    resumed(sayso, shop)
    assert ROUNDING in git_branches(shop)
    assert sayso.get(ids[ROUNDING]).state is State.FAILED


def test_leaves_a_branch_that_is_checked_out(sayso: FakeSayso, shop: Throwaway) -> None:
    """Nobody loses the branch they stand on."""
    ids = asked(sayso, shop)
    sayso.decide(ids[ROUNDING]).approve()
    subprocess.run(["git", "-C", str(shop.path), "switch", "--quiet", ROUNDING], check=True)
    resumed(sayso, shop)
    assert ROUNDING in git_branches(shop)


@pytest.mark.parametrize("change", [{"branch": SPIKE}, {"repository": "another"}, {"branch": "main"}])
def test_an_edit_cannot_reach_what_was_not_checked(sayso: FakeSayso, shop: Throwaway, change: dict[str, str]) -> None:
    """Edited parameters that do not fit the repository delete nothing."""
    ids = asked(sayso, shop)
    before = git_branches(shop)
    params = dict(sayso.get(ids[EXPORT]).params) | change
    sayso.decide(ids[EXPORT]).edit(params)
    resumed(sayso, shop)
    assert git_branches(shop) == before
    assert sayso.get(ids[EXPORT]).state is State.FAILED


def test_an_unmerged_commit_stays_even_where_it_was_approved(shop: Throwaway) -> None:
    """What main does not hold is not deleted, whatever the parameters say."""
    tip = subprocess.run(
        ["git", "-C", str(shop.path), "rev-parse", SPIKE], check=True, capture_output=True, text=True
    ).stdout.strip()
    with pytest.raises(Exception, match="not merged"):
        shop.delete(SPIKE, tip, "main")
    assert SPIKE in git_branches(shop)


def test_a_process_that_dies_after_deleting_is_made_good_by_the_next(
    sayso: FakeSayso, shop: Throwaway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A branch that is gone but was never reported counts as deleted, once."""
    ids = asked(sayso, shop)
    sayso.decide(ids[EXPORT]).approve()
    delete = Repository.delete

    def die(self: Repository, branch: str, commit: str, into: str) -> str:
        delete(self, branch, commit, into)
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(Repository, "delete", die)
        with pytest.raises(SystemExit):
            resumed(sayso, shop)
    assert EXPORT not in git_branches(shop)
    resumed(sayso, shop)
    assert sayso.get(ids[EXPORT]).state is State.SUCCEEDED


def test_a_branch_is_asked_about_once_for_each_commit(sayso: FakeSayso, shop: Throwaway) -> None:
    """Working again asks nobody again, until a branch has a new commit that is merged too."""
    asked(sayso, shop)
    asked(sayso.restarted(), shop)
    sayso.assert_asked("delete_branch", times=3)
    shop.commit(ROUNDING, "rounding.py", "Another thought")
    subprocess.run(
        ["git", "-C", str(shop.path), "-c", "user.name=Demo", "-c", "user.email=demo@example.com", "merge", "--quiet",
         "--no-edit", ROUNDING], check=True,
    )  # fmt: skip
    asked(sayso.restarted(), shop)
    sayso.assert_asked("delete_branch", times=4)


def test_answers_a_reviewer_with_the_branches_history(sayso: FakeSayso, shop: Throwaway) -> None:
    """The latest commits of the branch are what a reviewer is told."""
    ids = asked(sayso, shop)
    sayso.decide(ids[EXPORT]).request_info("What is in it?")
    assert resumed(sayso, shop) == 3
    assert sayso.get(ids[EXPORT]).info_request is None
    agent = BranchAgent(sayso.restarted(), shop)
    assert "Export invoices as CSV" in agent.explain("What is in it?", {"branch": EXPORT})
    assert "makes it again" in agent.explain("What if that is wrong?", {"branch": EXPORT})
    assert agent.explain("Who wrote it?", {"branch": EXPORT}) == f"Who committed to {EXPORT}: Demo."
