"""People in a test: what they do and what they are told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from playground.actors import Outcome
from playground.delivery import Answer
from playground.kit_things import Card, Home, Modal, ViewSnapshot
from playground.model import Message

if TYPE_CHECKING:
    from playground.kit import Playground

Contains = str | Sequence[str] | None


class Response:
    """What became of an act: `status` and `body` of the bot's answer, `elapsed` seconds, `error` when Slack shows one.

    `errors` are those under a modal's inputs, by block id; `client_side` means nothing was sent.
    """

    def __init__(self, person: PersonKit, outcome: Outcome, views_before: set[str]) -> None:
        answer = outcome.answer
        self.outcome = outcome
        self.answer: Answer | None = answer
        self.status = answer.status if answer else None
        self.body: Any = answer.body if answer else None
        self.elapsed = answer.elapsed if answer else 0.0
        self.error = answer.error if answer else None
        self.refused = outcome.refused
        self.errors = outcome.errors
        self.client_side = outcome.client_side
        self.duplicates = answer.duplicates if answer else []
        self._person = person
        self._before = views_before

    @property
    def ok(self) -> bool:
        """True when the bot acknowledged in time and nothing was refused or wrong in the form."""
        return self.refused is None and not self.errors

    @property
    def modal(self) -> Modal:
        """The modal this act opened or left on top; waits for it."""
        return self._person.expect_modal(not_among=self._before)

    @property
    def reply(self) -> Card | None:
        """The immediate reply to a slash command."""
        message = self.outcome.message
        return Card(self._person.slack, message) if message else None

    def __repr__(self) -> str:
        return f"<Response status={self.status} error={self.error} errors={self.errors} {self.elapsed:.3f}s>"


class PersonKit:
    """One person of the workspace."""

    def __init__(self, slack: Playground, user: str) -> None:
        slack.workspace.person(user)
        self.slack = slack
        self.id = user
        self._read: set[str] = set()

    # --- doing ---------------------------------------------------------------------------------------------------

    def click(self, target: Card | ViewSnapshot, name: str, value: str | None = None) -> Response:
        """Touch the button, overflow option or `name:value` button on the target as it is now.

        AssertionError when it is not there.
        """
        return self._done(self._click(target, name, value))

    def click_later(self, target: Card | ViewSnapshot, name: str, value: str | None = None) -> Future[Response]:
        """Like click, but returns at once with a future, so that several are on their way together."""
        return self._later(self._click(target, name, value))

    def click_stale(self, snapshot: Card, name: str, value: str | None = None) -> Response:
        """Touch a button of an old copy of the card, whatever the message looks like by now."""
        work = self.slack.app.actors.click(self.id, snapshot.message, name, value, None, snapshot.raw)
        return self._done(self._checked(work))

    def select(self, target: Card | ViewSnapshot, name: str, value: Any) -> Response:
        """Choose in a menu, radio group, checkbox group (a list) or input, by action id, block id or label."""
        actors = self.slack.app.actors
        if isinstance(target, Card):
            return self._done(self._checked(actors.choose(self.id, self.slack.current(target), name, value)))
        return self._done(self._checked(actors.fill(self.id, target.view, name, value)))

    def check(self, target: Card | ViewSnapshot, name: str, values: Sequence[str]) -> Response:
        """Tick exactly these checkboxes."""
        return self.select(target, name, list(values))

    def submit(self, modal: Modal, force: bool = False) -> Response:
        """Send a modal; `force` skips the client's own checks. `errors` and `modal` tell what came of it."""
        return self._done(self.slack.app.actors.submit(self.id, modal.view, force))

    def submit_later(self, modal: Modal, force: bool = False) -> Future[Response]:
        """Like submit, but returns at once with a future."""
        return self._later(self.slack.app.actors.submit(self.id, modal.view, force))

    def close(self, everything: bool = False) -> None:
        """Dismiss the top modal, or all of them."""
        self.slack.run(self.slack.app.actors.close(self.id, everything))

    def command(self, name: str, text: str = "", channel: str = "#general") -> Response:
        """Run a slash command."""
        return self._done(self.slack.app.actors.command(self.id, channel, name, text))

    def post(self, channel: str, text: str, thread_ts: str | None = None) -> Card:
        """Write a message."""
        return Card(self.slack, self.slack.run(self.slack.app.actors.post(self.id, channel, text, thread_ts)))

    def open_home(self, wait: float = 3.0) -> Home:
        """Open the app's home tab and wait until the bot has published it."""
        view = self.slack.run(self.slack.app.actors.open_home(self.id, wait))
        if view is None:
            raise AssertionError(self.slack.told(f"no home tab was published for {self.id} within {wait} s"))
        return Home(self.slack, view)

    # --- being told ----------------------------------------------------------------------------------------------

    def expect_modal(
        self,
        callback_id: str | None = None,
        contains: Contains = None,
        timeout: float = 30.0,
        not_among: set[str] | None = None,
    ) -> Modal:
        """Wait until the top modal has this callback id and text."""

        def found() -> Modal | None:
            stack = self.slack.workspace.modals.get(self.id) or []
            if not stack or (not_among and f"{stack[-1].id} {stack[-1].hash}" in not_among):
                return None
            modal = Modal(self.slack, stack[-1])
            fits = callback_id in (None, modal.callback_id) and matches(contains, modal.text, modal.source)
            return modal if fits else None

        return self.slack.expect(found, timeout, f"{self.id} sees a modal callback_id={callback_id} {contains=}")

    def expect_no_modal(self, timeout: float = 30.0) -> None:
        """Wait until no modal is open."""
        self.slack.expect(lambda: not self.slack.workspace.modals.get(self.id), timeout, f"{self.id} has no modal open")

    def modals(self) -> list[Modal]:
        """The open stack, bottom first."""
        return [Modal(self.slack, view) for view in self.slack.workspace.modals.get(self.id, [])]

    def rewrite(self, card: Card, text: str) -> None:
        """Change a message of one's own."""
        self.slack.run(self.slack.app.actors.rewrite(card.message, text))

    def home(self) -> Home | None:
        """The home tab as last published."""
        view = self.slack.workspace.homes.get(self.id)
        return Home(self.slack, view) if view else None

    def expect_home(self, contains: Contains = None, timeout: float = 30.0) -> Home:
        """Wait until the published home tab shows this text."""

        def found() -> Home | None:
            home = self.home()
            return home if home and matches(contains, home.text, home.source) else None

        return self.slack.expect(found, timeout, f"{self.id}'s home tab shows {contains!r}")

    def expect_ephemeral(self, contains: Contains = None, timeout: float = 30.0) -> Card:
        """Wait for something only this person sees and no earlier call has returned."""

        def found() -> Card | None:
            for entry in self._told():
                if entry.ts not in self._read and self.slack.fits(entry, contains):
                    self._read.add(entry.ts)
                    return Card(self.slack, entry)
            return None

        return self.slack.expect(found, timeout, f"{self.id} alone sees {contains!r}")

    def ephemerals(self) -> list[Card]:
        """Everything only this person sees, oldest first."""
        with self.slack.workspace.lock:
            return [Card(self.slack, entry) for entry in self._told()]

    def expect_dm(self, contains: Contains = None, timeout: float = 30.0) -> Card:
        """Wait for a direct message by the app."""
        return self.slack.expect_card(channel=self.id, contains=contains, timeout=timeout)

    # --- inside --------------------------------------------------------------------------------------------------

    def _click(self, target: Card | ViewSnapshot, name: str, value: str | None) -> Any:
        actors = self.slack.app.actors
        if isinstance(target, Card):
            return self._checked(actors.click(self.id, self.slack.current(target), name, value))
        return self._checked(actors.click_view(self.id, target.view, name, value))

    def _told(self) -> list[Message]:
        kept = [entry for entries in self.slack.workspace.messages.values() for entry in entries]
        mine = [entry for entry in kept if entry.ephemeral_to == self.id and not entry.deleted]
        return sorted(mine, key=lambda entry: entry.ts)

    async def _checked(self, work: Any) -> Outcome:
        try:
            outcome: Outcome = await work
            return outcome
        except LookupError as missing:
            raise AssertionError(self.slack.told(str(missing))) from None

    def _views(self) -> set[str]:
        stack = self.slack.workspace.modals.get(self.id) or []
        return {f"{view.id} {view.hash}" for view in stack[-1:]}

    def _done(self, work: Any) -> Response:
        before = self._views()
        return Response(self, self.slack.run(work), before)

    def _later(self, work: Any) -> Future[Response]:
        before = self._views()

        async def finished() -> Response:
            return Response(self, await work, before)

        future: Future[Response] = self.slack.server.start(finished())
        return future


def matches(contains: Contains, text: Callable[[], str], source: Callable[[], str]) -> bool:
    """True when every wanted piece is in the visible text or in what was really sent."""
    if contains is None:
        return True
    wanted = [contains] if isinstance(contains, str) else contains
    shown, sent = text(), source()
    return all(piece in shown or piece in sent for piece in wanted)
