"""The way to a mail server: one message, to one reader, over TLS where it leaves this machine."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from bot.render.letters import Letter
from bot.service.mail_servers import MailServer

TIMEOUT_SECONDS = 10


class MailTrouble(Exception):
    """The mail server did not take it."""


class Refused(MailTrouble):
    """It will not write to that address."""


def send(server: MailServer, sender: str, to: str, letter: Letter) -> None:
    """Hand over one letter; raises MailTrouble where it was not taken."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, letter.subject
    message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain=sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"  # so that no holiday note answers
    message.set_content(letter.text)
    try:
        with _connected(server) as session:
            session.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        raise Refused("it refuses the address") from error
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise MailTrouble(_told(error)) from error


def check(server: MailServer) -> None:
    """Whether it answers and lets us in; raises MailTrouble."""
    try:
        with _connected(server) as session:
            session.noop()
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise MailTrouble(_told(error)) from error


def _connected(server: MailServer) -> smtplib.SMTP:
    trusted = ssl.create_default_context()
    if server.secure:
        session: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_SECONDS, context=trusted)
    else:
        session = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_SECONDS)
        # Without TLS nothing leaves this machine: not what waits, and no password.
        if not server.near:
            session.starttls(context=trusted)
    if server.user is not None:
        session.login(server.user, server.password or "")
    return session


def _told(error: Exception) -> str:
    """What went wrong without what was sent: a server's answer may quote it."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"it answered {error.smtp_code}"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return "it offers no TLS or no login"
    if isinstance(error, ssl.SSLError):
        return f"its certificate or TLS is refused ({error.reason or type(error).__name__})"
    if isinstance(error, OSError):
        return f"no answer ({error.strerror or type(error).__name__})"
    return type(error).__name__
