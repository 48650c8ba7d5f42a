"""A real mail server on loopback that keeps what it takes, and can refuse, demand a login or be gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class _Kept:
    """What aiosmtpd calls for each letter."""

    def __init__(self) -> None:
        self.letters: list[tuple[str, EmailMessage]] = []
        self.unknown: set[str] = set()
        self.broken = False

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """An address is taken unless nobody is there."""
        if address in self.unknown:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """A letter is kept."""
        if self.broken:
            return "451 try again later"
        assert isinstance(envelope.content, bytes)
        letter = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        self.letters += [(address, letter) for address in envelope.rcpt_tos]
        return "250 OK"


class Mailbox:
    """Every letter that came, with the address it came for."""

    def __init__(self, controller: Controller, kept: _Kept) -> None:
        self._controller, self._kept, self._answers = controller, kept, True
        self.address = f"127.0.0.1:{controller.port}"

    @property
    def addresses(self) -> list[str]:
        """Everybody who got one, once for each."""
        return [address for address, _ in self._kept.letters]

    def letters(self, to: str | None = None) -> list[EmailMessage]:
        """Those for one address, in the order they came."""
        return [letter for address, letter in self._kept.letters if to in (None, address)]

    def texts(self, to: str | None = None) -> list[str]:
        """Their words, without the invisible joiners that keep a mail program from making links."""
        return [str(letter.get_content()).replace("\u2060", "") for letter in self.letters(to)]

    def nobody_at(self, address: str) -> None:
        """Refuse an address from now on."""
        self._kept.unknown.add(address)

    def breaks(self, *, broken: bool = True) -> None:
        """Take no letter while it is broken."""
        self._kept.broken = broken

    def gone(self) -> None:
        """Answer no more."""
        if self._answers:
            self._controller.stop(no_assert=True)
        self._answers = False


@contextmanager
def mailbox(port: int, *, login: tuple[str, str] | None = None) -> Iterator[Mailbox]:
    """A mail server while the test runs; with `login` it takes nothing without that name and password."""
    kept = _Kept()
    options: dict[str, Any] = {}
    if login:
        options = {"auth_required": True, "auth_require_tls": False, "authenticator": _asking(login)}
    controller = Controller(kept, hostname="127.0.0.1", port=port, **options)
    controller.start()
    box = Mailbox(controller, kept)
    try:
        yield box
    finally:
        box.gone()


def _asking(login: tuple[str, str]) -> Any:
    def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        known = isinstance(data, LoginPassword) and (data.login.decode(), data.password.decode()) == login
        return AuthResult(success=known)

    return authenticate
