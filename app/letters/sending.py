"""Senders: real SMTP, and a console twin for demonstrations that prints what it would have sent."""

import smtplib
import ssl
import sys
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from urllib.parse import unquote, urlsplit

from app.config import Config
from app.i18n import environment
from app.letters.tables import Letter

TIMEOUT_SECONDS = 20
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

Sender = Callable[[EmailMessage], None]


class Refused(Exception):
    """The mail server said no; `final` tells whether asking again can help."""

    def __init__(self, answer: str, *, final: bool) -> None:
        super().__init__(answer)
        self.answer = answer
        self.final = final


def compose(letter: Letter, config: Config, organisation: str) -> EmailMessage:
    """Write out a letter in its language. Links in it begin with the configured address, whatever a request said."""
    env = environment(letter.language)
    facts = {**letter.facts, "base_url": config.base_url, "lang": letter.language, "organisation": organisation}
    message = EmailMessage()
    message["Subject"] = " ".join(env.get_template(f"letters/{letter.kind}/subject.txt").render(facts).split())
    message["From"] = config.mail_from
    message["To"] = letter.address
    message["Date"] = format_datetime(letter.written_at)
    domain = parseaddr(config.mail_from)[1].rpartition("@")[2].encode("idna").decode() or "localhost"
    message["Message-ID"] = f"<{letter.id}@{domain}>"  # the same at every try
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(env.get_template(f"letters/{letter.kind}/body.txt").render(facts).strip() + "\n")
    return message


def print_letter(message: EmailMessage) -> None:
    """Show the letter where the house was started: the console twin."""
    sys.stdout.write(f"\n--- letter to {message['To']}: {message['Subject']}\n{message.get_content()}---\n")
    sys.stdout.flush()


def smtp_sender(url: str, *, trusted_network: bool = False) -> Sender:
    """Make a sender for `smtp://user:password@host:port` (STARTTLS) or `smtps://…`.

    A letter may hold a link that opens a door: without encryption none goes to another machine, unless the network
    there is trusted; and a password never does.

    Raises (when sending): Refused; 5xx answers about the recipient or the letter are final, anything else may pass.
    """
    parts = urlsplit(url)

    def send(message: EmailMessage) -> None:
        context = ssl.create_default_context()
        try:
            if parts.scheme == "smtps":
                server: smtplib.SMTP = smtplib.SMTP_SSL(
                    parts.hostname or "", parts.port or 465, timeout=TIMEOUT_SECONDS, context=context
                )
            else:
                server = smtplib.SMTP(parts.hostname or "", parts.port or 25, timeout=TIMEOUT_SECONDS)
            with server:
                server.ehlo_or_helo_if_needed()  # before that, no extension is known, STARTTLS neither
                if parts.scheme == "smtp" and server.has_extn("starttls"):
                    server.starttls(context=context)
                in_clear = not isinstance(server.sock, ssl.SSLSocket) and parts.hostname not in LOOPBACK
                if in_clear and (parts.username or not trusted_network):
                    raise Refused("no encryption offered: nothing was sent", final=False)
                if parts.username:
                    server.login(unquote(parts.username), unquote(parts.password or ""))
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as refused:
            code, answer = next(iter(refused.recipients.values()))
            raise Refused(f"{code} {answer.decode(errors='replace')}", final=code >= 500) from refused
        except smtplib.SMTPResponseException as refused:
            said = (
                str(refused.smtp_error, errors="replace")
                if isinstance(refused.smtp_error, bytes)
                else refused.smtp_error
            )
            about_letter = isinstance(refused, smtplib.SMTPDataError)  # else it is about us: our password, our address
            raise Refused(f"{refused.smtp_code} {said}", final=about_letter and refused.smtp_code >= 500) from refused
        except (OSError, smtplib.SMTPException) as trouble:
            raise Refused(type(trouble).__name__, final=False) from trouble

    return send


def sender_for(config: Config) -> Sender:
    """Choose the sender the settings ask for."""
    if not config.smtp_url:
        return print_letter
    return smtp_sender(config.smtp_url, trusted_network=config.trusted_network)
