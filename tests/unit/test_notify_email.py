"""Mail, taken by a mail server of the tests' own."""

import email as standard_email
import ssl
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from control.notify import email
from control.notify.failure import DeliveryError
from control.notify.message import message
from control.notify.receivers import Receiver
from providers.x509 import self_signed, signed
from tests.support.receivers import STARTED, Mailbox, alert, mail_server, payload

NOW = STARTED + 300
SECONDS = 5  # all of it takes milliseconds
PORTAL = "https://portal.dev.example.org/"
PASSWORD = "correct horse battery"
DOWN = message(payload(alert()), NOW, PORTAL)
TO = ("ops@example.org", "boss@example.org")


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """The server's side of TLS, with a certificate for localhost that the client trusts."""
    ca, key = self_signed("tests", 1)
    (tmp_path / "ca.pem").write_text(ca)
    (tmp_path / "server.pem").write_text("".join(signed(ca, key, ["localhost"], "server", 1)))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    return context


@pytest.fixture
def mailbox(tls: ssl.SSLContext) -> Iterator[Mailbox]:
    """A server that offers STARTTLS and wants a login."""
    with mail_server(Mailbox(tls=tls, login=("horcrux", PASSWORD))) as found:
        yield found


def receiver(mailbox: Mailbox, **changed: object) -> Receiver:
    settings: dict[str, object] = {
        "server": f"localhost:{mailbox.port}",
        "username": "horcrux" if mailbox.login else "",
        "password": PASSWORD if mailbox.login else "",
        "sender": "horcrux@example.org",
        "to": TO,
        **changed,
    }
    return Receiver("mail", "email", **settings)  # type: ignore[arg-type]


async def sent(to: Receiver) -> str:
    return await email.send(to, DOWN, NOW, SECONDS)


async def failure(to: Receiver) -> str:
    with pytest.raises(DeliveryError) as raised:
        await sent(to)
    return str(raised.value)


def parsed(mailbox: Mailbox) -> EmailMessage:
    found = standard_email.message_from_bytes(mailbox.mails[0][2], policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


async def test_a_mail_goes_encrypted_to_all_addresses(mailbox: Mailbox) -> None:
    assert await sent(receiver(mailbox)) == "accepted for 2 of 2 addresses"
    ((sender, to, _),) = mailbox.mails
    assert (sender, to) == ("horcrux@example.org", list(TO))
    assert mailbox.encrypted == [True]
    assert mailbox.commands.index("STARTTLS") < min(
        n for n, command in enumerate(mailbox.commands) if command.startswith("AUTH")
    )


async def test_a_mail_has_a_subject_a_text_and_the_same_as_html(mailbox: Mailbox) -> None:
    await sent(receiver(mailbox))
    mail = parsed(mailbox)
    assert mail["Subject"] == "[dev] FIRING critical HostDown: host manager-3 of dev is down"
    assert mail["To"] == "ops@example.org, boss@example.org"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime.timestamp() == int(NOW)
    assert mail["Message-ID"].endswith("@example.org>")
    text, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert page is not None
    assert text.get_content().replace("\r\n", "\n") == (
        "FIRING critical HostDown: host manager-3 of dev is down\n\n"
        "FIRING critical HostDown\n"
        "No heartbeat for 30 s. Look whether its machine runs.\n"
        "since 2026-01-02 03:04:05 UTC (5 min)\n"
        "host: manager-3\n"
        "Runbook: docs/alerts.md#hostdown\n\n"
        "Portal: https://portal.dev.example.org/\n\n"
        "-- \nHorcrux, environment dev\n"
    )
    assert "<b>FIRING critical HostDown</b>" in page.get_content()
    assert '<a href="https://portal.dev.example.org/">Portal</a>' in page.get_content()


async def test_chinese_and_html_in_an_alert_arrive_as_text(mailbox: Mailbox) -> None:
    raw = alert(host="主机<b>3</b>")
    raw["annotations"] = {"summary": "主机已停止\r\nBcc: evil@example.org", "runbook": PORTAL}
    told = message(payload(raw), NOW, PORTAL)
    await email.send(receiver(mailbox), told, NOW, SECONDS)
    mail = parsed(mailbox)
    assert mail["Subject"].endswith("主机已停止 Bcc: evil@example.org")
    assert mail["Bcc"] is None
    page = mail.get_body(("html",))
    assert page is not None
    assert "主机&lt;b&gt;3&lt;/b&gt;" in page.get_content()
    assert f'<a href="{PORTAL}">Runbook</a>' in page.get_content()


async def test_tls_from_the_first_byte(tls: ssl.SSLContext) -> None:
    with mail_server(Mailbox(tls=tls, implicit=True)) as mailbox:
        assert await sent(receiver(mailbox, security="tls")) == "accepted for 2 of 2 addresses"
        assert mailbox.encrypted == [True]


async def test_without_encryption_only_where_it_is_set_so(tls: ssl.SSLContext) -> None:
    with mail_server(Mailbox()) as mailbox:
        assert "STARTTLS" in await failure(receiver(mailbox))
        assert mailbox.mails == []
        assert await sent(receiver(mailbox, security="none")) == "accepted for 2 of 2 addresses"
        assert mailbox.encrypted == [False]


@pytest.mark.parametrize("implicit", [False, True])
async def test_a_certificate_that_is_not_trusted_gets_neither_password_nor_mail(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, implicit: bool
) -> None:
    (tmp_path / "other.pem").write_text(self_signed("others", 1)[0])
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "other.pem"))
    box = Mailbox(tls=tls, implicit=implicit, login=("horcrux", PASSWORD))
    with mail_server(box) as mailbox:
        to = receiver(mailbox, security="tls" if implicit else "starttls")
        assert await failure(to) == "its certificate is not trusted"
        assert mailbox.mails == []
        assert not any(command.startswith("AUTH") for command in mailbox.commands)


async def test_a_certificate_for_another_name_is_not_trusted(mailbox: Mailbox) -> None:
    to = receiver(mailbox, server=f"127.0.0.1:{mailbox.port}")
    assert await failure(to) == "its certificate is not trusted"


async def test_a_wrong_password_is_told_by_its_code_alone(mailbox: Mailbox) -> None:
    told = await failure(receiver(mailbox, password="wrong battery"))
    assert told == "the server refuses the user name or the password (535)"


async def test_an_address_that_is_refused_does_not_keep_the_mail_from_the_others(
    mailbox: Mailbox,
) -> None:
    mailbox.refused["boss@example.org"] = "550 no such user"
    assert await sent(receiver(mailbox)) == "accepted for 1 of 2 addresses"
    mailbox.refused["ops@example.org"] = "550 no such user"
    told = await failure(receiver(mailbox))
    assert told == "the server refuses all addresses: 550 no such user"


@pytest.mark.parametrize("command", ["MAIL", "DATA"])
async def test_a_refusal_is_told_in_the_servers_words(mailbox: Mailbox, command: str) -> None:
    mailbox.refused[command] = "451 4.3.0 try again later"
    told = await failure(receiver(mailbox))
    assert told == "the server refuses the mail: 451 4.3.0 try again later"


async def test_a_mail_that_was_accepted_counts_whatever_comes_after_it(mailbox: Mailbox) -> None:
    mailbox.refused["QUIT"] = "500 no"
    assert await sent(receiver(mailbox)) == "accepted for 2 of 2 addresses"


async def test_a_server_that_is_not_there(tls: ssl.SSLContext) -> None:
    with mail_server(Mailbox()) as mailbox:
        pass
    assert await failure(receiver(mailbox)) == "no connection (Connection refused)"
