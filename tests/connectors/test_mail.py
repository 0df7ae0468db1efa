"""Mail through real servers."""

import ssl
import subprocess
from pathlib import Path

import pytest
from mail_servers import StartMailHost

from headrace_server.connectors.base import ConnectorError, TemporaryError
from headrace_server.connectors.mail import Mailer, MailServer, MailSettingError, mail_server

SENDER = "headrace@example.com"


def _mailer(port: int, *, user: str = "", scheme: str = "smtp") -> Mailer:
    return Mailer(mail_server(f"{scheme}://{user}127.0.0.1:{port}", SENDER), timeout=10)


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", MailServer("mail.example", 587, False, sender=SENDER)),
        ("smtps://mail.example/", MailServer("mail.example", 465, True, sender=SENDER)),
        (
            "smtp://me%40x:p%3Aw@mail.example:25",
            MailServer("mail.example", 25, False, "me@x", "p:w", SENDER),
        ),
    ],
)
def test_urls(url: str, server: MailServer) -> None:
    assert mail_server(url, SENDER) == server
    assert "p:w" not in repr(server)


@pytest.mark.parametrize(
    "url", ["", "mail", "http://mail", "smtp://", "smtp://a:b", "smtp://[", "smtp://a/b"]
)
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(MailSettingError, match="smtp_url must look like"):
        mail_server(url, SENDER)


@pytest.mark.parametrize("sender", ["", "a", "a@", "@b", "a@b, c@d", "a@b\r\nBcc: c@d"])
def test_what_is_no_sender(sender: str) -> None:
    with pytest.raises(MailSettingError, match="smtp_from must be"):
        mail_server("smtp://mail.example", sender)


async def test_a_mail(start_mail_host: StartMailHost) -> None:
    host = await start_mail_host()
    mailer = _mailer(host.port)
    for _ in range(2):
        await mailer.send("team@example.com", "msg_1", "Imported: /in/ä.csv", "Rows: 3\n")
    (recipients, mail), (_, again) = host.received
    assert (recipients, mail["To"], mail["From"]) == (["team@example.com"], recipients[0], SENDER)
    assert (mail["Subject"], mail.get_content().split()) == ("Imported: /in/ä.csv", ["Rows:", "3"])
    assert mail["Message-ID"] == again["Message-ID"] == "<msg_1@example.com>"


async def test_nothing_makes_another_header(start_mail_host: StartMailHost) -> None:
    host = await start_mail_host()
    mailer = _mailer(host.port)
    await mailer.send("a@example.com", "msg_1", "x\r\nBcc: b@example.com\r\n\r\nhello", "text")
    ((recipients, mail),) = host.received
    assert (recipients, mail["Bcc"]) == (["a@example.com"], None)
    assert mail["Subject"] == "x Bcc: b@example.com hello"
    for recipient in ("a@example.com\r\nBcc: b@example.com", "a@example.com, b@example.com", "a"):
        with pytest.raises(ConnectorError, match="recipient is no mail address"):
            await mailer.send(recipient, "msg_1", "x", "text")
    assert len(host.received) == 1


async def test_a_refusal(start_mail_host: StartMailHost, unused_port: int) -> None:
    host = await start_mail_host()
    mailer = _mailer(host.port)
    host.answers[:] = ["451 later", "554 your text is spam"]
    with pytest.raises(TemporaryError, match=r"127\.0\.0\.1 answered 451$"):
        await mailer.send("a@example.com", "msg_1", "x", "text")
    with pytest.raises(ConnectorError, match=r"answered 554$") as refused:
        await mailer.send("a@example.com", "msg_1", "x", "text")
    assert not isinstance(refused.value, TemporaryError)
    with pytest.raises(ConnectorError, match=r"refused the recipient \(550\)"):
        await mailer.send("nobody@example.com", "msg_1", "x", "text")
    with pytest.raises(TemporaryError, match="cannot be reached"):
        await _mailer(unused_port).send("a@example.com", "msg_1", "x", "text")


async def test_a_password_is_not_sent_in_the_clear(start_mail_host: StartMailHost) -> None:
    host = await start_mail_host()
    with pytest.raises(ConnectorError, match="does not encrypt, which a password needs"):
        await _mailer(host.port, user="me:right@").send("a@example.com", "msg_1", "x", "text")
    assert host.received == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1 and its key, in one file."""
    folder = tmp_path_factory.mktemp("mail")
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    names = ("-subj", "/CN=mail", "-addext", "subjectAltName=IP:127.0.0.1")
    files = ("-keyout", "mail.key", "-out", "mail.pem")
    subprocess.run(
        ["openssl", "req", "-x509", *curve, *names, *files],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return folder / "mail.pem"


def _context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    return context


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_password_over_tls(
    start_mail_host: StartMailHost,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    scheme: str,
) -> None:
    context = _context(certificate)
    if scheme == "smtps":
        host = await start_mail_host(ssl=context, auth_require_tls=False)
    else:
        host = await start_mail_host(tls_context=context, auth_required=True)
    unknown = _mailer(host.port, user="me:right@", scheme=scheme)
    with pytest.raises(TemporaryError, match="cannot be reached"):
        await unknown.send("a@example.com", "msg_1", "x", "text")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    mailer = _mailer(host.port, user="me:right@", scheme=scheme)
    await mailer.send("a@example.com", "msg_1", "x", "text")
    assert len(host.received) == 1
    wrong = _mailer(host.port, user="me:wrong@", scheme=scheme)
    with pytest.raises(ConnectorError, match="refused the user or password") as refused:
        await wrong.send("a@example.com", "msg_1", "x", "text")
    assert "wrong" not in str(refused.value)
