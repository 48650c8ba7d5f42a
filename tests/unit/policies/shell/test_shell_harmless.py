"""What coding agents do all day runs: an approval that is asked for nothing is attention taken from what matters."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.shell import corpus, judged

from policies.shell.classes import Effect

HARMLESS = list(corpus(Path(__file__).parent / "harmless.txt"))


@pytest.mark.parametrize(("kind", "commands"), HARMLESS, ids=[kind for kind, _ in HARMLESS])
def test_ordinary_work_is_not_asked_about(kind: str, commands: list[str]) -> None:
    """Reading, searching, building, testing and editing within the work tree need no person."""
    asked = {command: judged(command).why for command in commands if not judged(command).effect.harmless}
    assert asked == {}


@pytest.mark.parametrize(
    "command",
    [
        "ls -la",
        "git log --oneline",
        "grep -rn x src | head",
        "gh pr view 1",
        "kubectl get pods",
        "psql app_dev -c 'select 1'",
    ],
)
def test_looking_is_told_from_working(command: str) -> None:
    """A command that changes nothing is a read."""
    assert judged(command).effect is Effect.READ


@pytest.mark.parametrize(
    "command",
    ["npm test", "git commit -m x", "mkdir -p a", "echo x > a.txt", "sed -i s/a/b/ x", "rm -rf build", "make"],
)
def test_working_in_the_tree_is_local(command: str) -> None:
    """A command that changes the work tree, and nothing else, is local."""
    assert judged(command).effect is Effect.LOCAL


@pytest.mark.parametrize(
    ("command", "effect", "why"),
    [
        ("git push origin main", Effect.OUTWARD, "sends commits to another repository"),
        ("git push origin :old", Effect.DESTRUCTIVE, "overwrites or deletes what others have"),
        ("rm -rf ~/x", Effect.DESTRUCTIVE, "deletes ~/x, outside the work tree"),
        ("cat .env", Effect.SECRETS, "reads .env, where secrets are kept"),
        ("echo $API_TOKEN", Effect.SECRETS, "shows the secret in API_TOKEN"),
        ("frobnicate", Effect.UNKNOWN, "a program that Sayso does not know"),
        ("echo x > .git/hooks/pre-commit", Effect.DESTRUCTIVE, "hooks that run by themselves"),
        ("ls 'open", Effect.UNKNOWN, "cannot be read for certain"),
    ],
)
def test_a_verdict_says_why_in_plain_words(command: str, effect: Effect, why: str) -> None:
    """The reason is a clause that a reviewer understands without knowing the rules."""
    verdict = judged(command)
    assert verdict.effect is effect
    assert why in verdict.why


def test_every_part_of_a_command_is_told() -> None:
    """A reviewer sees each simple command, wherever it was hidden, with what it does."""
    verdict = judged("cd src && npm test | tee log.txt; echo $(git push origin main)")
    assert [part.part for part in verdict.findings] == [
        "cd src",
        "npm test",
        "tee log.txt",
        "git push origin main",
        "echo $(git push origin main)",
    ]
    assert [part.effect for part in verdict.findings if part.effect is Effect.OUTWARD] == [Effect.OUTWARD]


def test_the_directory_decides() -> None:
    """The same command is work in the tree, and a deletion outside it."""
    assert judged("rm -f notes.txt").effect is Effect.LOCAL
    assert judged("rm -f notes.txt", cwd="/home/dev").effect is Effect.DESTRUCTIVE
    assert judged("npm test", cwd="/home/dev/other").effect is Effect.UNKNOWN
    assert judged("cd .. && rm -f notes.txt").effect is Effect.DESTRUCTIVE
    assert judged("cd nowhere; rm -f notes.txt").effect is Effect.LOCAL


def test_a_script_written_in_the_same_breath_is_not_run() -> None:
    """Writing a script and running it at once would let its content through unseen."""
    assert judged("bash check.sh").effect is Effect.LOCAL
    assert judged("echo ls > check.sh").effect is Effect.LOCAL
    assert judged("echo ls > check.sh && bash check.sh").effect is Effect.UNKNOWN
