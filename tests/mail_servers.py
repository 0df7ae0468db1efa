"""A real mail server, for the tests of all that sends mail; a plugin of tests/conftest.py."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class MailHost:
    """Takes mail in on loopback."""

    #: whom each mail went to, and the mail
    received: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    #: what the next mails are answered with, in place of their being taken
    answers: list[str] = field(default_factory=list)
    port: int = 0

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: object
    ) -> str:
        if address.startswith("nobody"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802  # aiosmtpd's
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        if self.answers:
            return self.answers.pop(0)
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=policy.default)
        self.received.append((envelope.rcpt_tos, message))
        return "250 OK"


def _authenticate(*arguments: object) -> AuthResult:
    """Let in whoever knows the password."""
    given = arguments[-1]
    known = isinstance(given, LoginPassword) and given.password == b"right"
    return AuthResult(success=known, handled=False)


@asynccontextmanager
async def _listening(options: dict[str, Any], ssl: Any) -> AsyncIterator[MailHost]:
    host = MailHost()

    def serve() -> SMTP:
        return SMTP(host, hostname="mail.example", authenticator=_authenticate, **options)

    server = await asyncio.get_running_loop().create_server(serve, "127.0.0.1", 0, ssl=ssl)
    host.port = server.sockets[0].getsockname()[1]
    async with server:
        yield host


#: start a mail server, with aiosmtpd's options, or encrypted from the beginning
StartMailHost = Callable[..., Any]


@pytest.fixture
async def start_mail_host() -> AsyncIterator[StartMailHost]:
    """Starts mail servers; they stop with the test."""
    async with AsyncExitStack() as stack:

        async def start(*, ssl: Any = None, **options: Any) -> MailHost:
            return await stack.enter_async_context(_listening(options, ssl))

        yield start
