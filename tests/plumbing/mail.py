"""A real mail server on this machine: it keeps what it takes, and says no when told to."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.plumbing.postgres import free_port


class MailServer:
    """What the server took, and what it will answer next.

    recipient, data: the answer to RCPT TO and to the letter itself; None means yes.
    taken:           (envelope's recipients, letter) of each one it took.
    tls:             for each letter taken, whether it came through TLS. logins: (user, password) it was told.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.recipient: str | None = None
        self.data: str | None = None
        self.taken: list[tuple[list[str], EmailMessage]] = []
        self.tls: list[bool] = []
        self.logins: list[tuple[str, str]] = []

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, _: list[str]
    ) -> str:
        if self.recipient is None:
            envelope.rcpt_tos.append(address)
        return self.recipient or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.data is not None:
            return self.data
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        self.taken.append((envelope.rcpt_tos, message_from_bytes(content, policy=policy.default)))
        self.tls.append(session.ssl is not None)
        return "250 OK"

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, _: str, given: Any) -> AuthResult:  # noqa: ANN401
        assert isinstance(given, LoginPassword)
        self.logins.append((given.login.decode(), given.password.decode()))
        return AuthResult(success=given.password == b"p@ss:word", handled=False)


@contextmanager
def running_mail_server(tls: ssl.SSLContext | None = None) -> Iterator[MailServer]:
    """Start a mail server on a free port of this machine; with a certificate it offers STARTTLS and wants a login."""
    mail = MailServer(free_port())
    controller = Controller(
        mail,
        hostname="127.0.0.1",
        port=mail.port,
        tls_context=tls,
        authenticator=mail.authenticate,
        auth_required=tls is not None,
        enable_SMTPUTF8=True,
    )
    controller.start()
    try:
        yield mail
    finally:
        controller.stop()
