"""Mail, sent over SMTP."""

import ssl
from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import aiosmtplib

from headrace_server.connectors.base import ConnectorError, TemporaryError

_TIMEOUT = 30.0
#: the first of the codes by which a server says that trying again does not help
_FOR_GOOD = 500


class MailSettingError(ValueError):
    """No address of a mail server, or of a sender; the message says what would be right."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """How mail is handed over."""

    host: str
    port: int
    #: whether the connection is encrypted from its beginning
    tls: bool
    #: on whose behalf; empty for nobody's
    user: str = ""
    password: str = field(default="", repr=False)
    #: whom mail is from
    sender: str = ""


def mail_server(url: str, sender: str) -> MailServer:
    """Read smtp(s)://user:password@host:port. Raises MailSettingError, which does not quote it."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise MailSettingError(_WRONG_URL) from None
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or parts.path.strip("/"):
        raise MailSettingError(_WRONG_URL)
    _checked_address(sender)
    return MailServer(
        host=parts.hostname,
        port=port or (465 if parts.scheme == "smtps" else 587),
        tls=parts.scheme == "smtps",
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        sender=sender,
    )


class Mailer:
    """Sends mail through one server."""

    def __init__(self, server: MailServer, timeout: float = _TIMEOUT) -> None:
        self._server = server
        self._timeout = timeout

    async def send(self, recipient: str, message_id: str, subject: str, text: str) -> None:
        """Send a text; a message has the same id however often it is sent. Raises ConnectorError.

        Without TLS from the beginning it is encrypted where the server offers that.
        """
        server = self._server
        message = _message(server.sender, recipient, message_id, subject, text)
        try:
            await aiosmtplib.send(
                message,
                hostname=server.host,
                port=server.port,
                use_tls=server.tls,
                # A password is never sent in the clear.
                start_tls=(True if server.user else None) if not server.tls else False,
                username=server.user or None,
                password=server.password or None,
                timeout=self._timeout,
            )
        except aiosmtplib.SMTPException as error:
            raise _words_of(error, server.host) from error
        except (OSError, ssl.SSLError) as error:
            raise TemporaryError(f"{server.host} cannot be reached") from error


def _message(sender: str, recipient: str, message_id: str, subject: str, text: str) -> EmailMessage:
    message = EmailMessage()
    try:
        message["From"] = _checked_address(sender)
        message["To"] = _checked_address(recipient)
        message["Message-ID"] = f"<{message_id}@{_checked_address(sender).domain}>"
        # What would begin another header is shown as what it is.
        message["Subject"] = " ".join(subject.split())[:200]
    except (MailSettingError, MessageError, ValueError) as error:
        raise ConnectorError("the address of the recipient is no mail address") from error
    message.set_content(text)
    return message


def _checked_address(address: str) -> Address:
    try:
        found = Address(addr_spec=address)
    except (MessageError, ValueError, IndexError):
        raise MailSettingError(_WRONG_SENDER) from None
    if not found.username or not found.domain:
        raise MailSettingError(_WRONG_SENDER)
    return found


def _words_of(error: aiosmtplib.SMTPException, host: str) -> ConnectorError:
    """Say what went wrong without the server's own words, which may quote what was sent."""
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return ConnectorError(f"{host} refused the user or password (HEADRACE_SMTP_URL)")
    if isinstance(error, aiosmtplib.SMTPNotSupported) or "STARTTLS" in str(error):
        return ConnectorError(f"{host} does not encrypt, which a password needs")
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        codes = [each.code for each in error.recipients]
        kind = ConnectorError if all(code >= _FOR_GOOD for code in codes) else TemporaryError
        return kind(f"{host} refused the recipient ({', '.join(map(str, codes))})")
    if isinstance(error, aiosmtplib.SMTPResponseException):
        kind = ConnectorError if error.code >= _FOR_GOOD else TemporaryError
        return kind(f"{host} answered {error.code}")
    return TemporaryError(f"{host} cannot be reached")


_WRONG_URL = (
    "smtp_url must look like smtp://user:password@host:587 or smtps://user:password@host:465"
)
_WRONG_SENDER = "smtp_from must be a mail address, such as headrace@example.com"
