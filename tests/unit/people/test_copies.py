"""Copies of what Slack knows: their age, questions that are shared, and answers that come too late."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from bot.server.slack_client import RateLimited, SlackTrouble
from bot.slack.copies import Copies


class Stage:
    """A Slack that answers when it is told to, and a clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.kept: dict[str, str] = {}
        self.questions: list[asyncio.Future[str]] = []
        self.copies: Copies[str] = Copies(self._ask, self.kept.__setitem__, lambda: self.now)

    async def _ask(self, key: str) -> str:
        question: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.questions.append(question)
        return await question

    async def look(self, within: float = 0.0) -> asyncio.Task[bool]:
        """Begin to look, as far as it goes without an answer."""
        task = asyncio.create_task(self.copies.look("x", within))
        for _ in range(3):
            await asyncio.sleep(0)
        return task


def played(story: Callable[[Stage], Awaitable[Any]]) -> None:
    """Play a story."""

    async def play() -> None:
        await story(Stage())

    asyncio.run(play())


def test_many_ask_once() -> None:
    """Whoever wants to know while a question is under way shares it; afterwards it is asked anew."""

    async def story(stage: Stage) -> None:
        lookers = [await stage.look() for _ in range(5)]
        assert len(stage.questions) == 1
        stage.questions[0].set_result("a")
        assert await asyncio.gather(*lookers) == [True] * 5
        stage.now += 0.01
        again = await stage.look()
        assert len(stage.questions) == 2
        stage.questions[1].set_result("b")
        assert await again
        assert stage.kept == {"x": "b"}

    played(story)


def test_a_question_under_way_for_long_is_asked_again() -> None:
    """Its answer may be of before whatever made somebody ask."""

    async def story(stage: Stage) -> None:
        await stage.look()
        stage.now += 1.0
        late = await stage.look()
        assert len(stage.questions) == 2
        stage.questions[1].set_result("new")
        assert await late
        stage.questions[0].set_result("old")
        await asyncio.sleep(0.01)
        assert stage.kept == {"x": "new"}, "an answer to an older question changes nothing"

    played(story)


def test_an_event_outdates_what_was_asked_before() -> None:
    """An answer to a question from before the change is not taken, and the next one asks again."""

    async def story(stage: Stage) -> None:
        stage.copies.hear("x", "member", stage.now - 5.0)
        before = await stage.look()
        stage.now += 0.1
        stage.copies.changed("x", "gone")
        stage.questions[0].set_result("member")
        assert await before is False
        assert stage.kept == {"x": "gone"}
        after = await stage.look(within=60.0)
        assert len(stage.questions) == 2, "a copy that is known to be old is not fresh, however young"
        stage.questions[1].set_result("gone")
        assert await after

    played(story)


def test_age_counts_from_the_question() -> None:
    """A slow answer is as old as its question."""

    async def story(stage: Stage) -> None:
        asked = await stage.look()
        stage.now += 7.0
        stage.questions[0].set_result("a")
        await asked
        assert stage.copies.age("x") == 7.0
        assert stage.copies.age("y") == float("inf")

    played(story)


def test_rate_limits_are_obeyed() -> None:
    """Slack says for how long it wants to hear nothing: nothing is asked until then, of whomever."""

    async def story(stage: Stage) -> None:
        asked = await stage.look()
        stage.questions[0].set_exception(RateLimited(30.0))
        assert await asked is False
        stage.now += 29.0
        assert await stage.copies.look("y", 0.0) is False
        assert len(stage.questions) == 1
        stage.now += 1.1
        await stage.look()
        assert len(stage.questions) == 2

    played(story)


def test_trouble_and_nonsense_keep_the_copy() -> None:
    """A refusal, or an answer nobody can read, changes nothing and makes nothing younger."""

    async def story(stage: Stage) -> None:
        stage.copies.hear("x", "a", stage.now - 50.0)
        for trouble in (SlackTrouble("internal_error"), KeyError("users"), TypeError(), RuntimeError("a bug")):
            asked = await stage.look()
            stage.questions[-1].set_exception(trouble)
            assert await asked is False
        assert (stage.kept, stage.copies.age("x")) == ({"x": "a"}, 50.0)

    played(story)


def test_only_what_is_newer_is_taken_over() -> None:
    """What another server kept is taken over where it is newer than ours, and not kept again."""
    stage = Stage()
    assert stage.copies.hear("x", "ours", 900.0)
    assert not stage.copies.hear("x", "older", 800.0, save=False)
    assert stage.copies.hear("x", "newer", 950.0, save=False)
    assert (stage.kept["x"], stage.copies.unsaved["x"]) == ("newer", ("ours", 900.0))
