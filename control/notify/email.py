"""Receivers of the kind `email`: one message to all of its addresses, as text and as HTML.

STARTTLS unless set otherwise, never given up for plain text; certificates are checked against the
system's authorities, or those of SSL_CERT_FILE.
"""

import contextlib
import html
import socket
import ssl
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

import aiosmtplib

from control.notify.failure import DeliveryError, reason
from control.notify.fit import fitted, left_out
from control.notify.message import Alert, Message
from control.notify.receivers import Receiver
from control.notify.text import clean, cut, is_link

MOST_BYTES = 200_000  # of text: some hundred alerts; servers take 10 MB, readers less
QUIT_SECONDS = 1  # courtesy: the mail has been accepted before
REFUSAL_POINTS = 200  # of what the server says


def mail(receiver: Receiver, message: Message, now: float) -> EmailMessage:
    """The mail, with both of its parts."""
    found = EmailMessage(policy=policy.SMTP)
    prefix = f"[{message.environment}] " if message.environment else ""
    found["Subject"] = prefix + message.title
    found["From"] = receiver.sender
    found["To"] = ", ".join(receiver.to)
    found["Date"] = format_datetime(datetime.fromtimestamp(now, UTC))
    found["Message-ID"] = make_msgid("horcrux", receiver.sender.partition("@")[2])
    found["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence answers it
    alerts, count = fitted(message, _size, MOST_BYTES)
    found.set_content(_text(message, alerts, count))
    found.add_alternative(_html(message, alerts, count), subtype="html")
    return found


async def send(receiver: Receiver, message: Message, now: float, seconds: float) -> str:
    """The detail of a success, or DeliveryError; `seconds` is what each step may take."""
    client = aiosmtplib.SMTP(
        hostname=receiver.host,
        port=receiver.port,
        local_hostname=socket.gethostname(),  # the library would look it up, and block
        timeout=seconds,
        use_tls=receiver.security == "tls",
        start_tls=receiver.security == "starttls",
        tls_context=None if receiver.security == "none" else ssl.create_default_context(),
        username=receiver.username or None,
        password=receiver.password or None,
    )
    data = mail(receiver, message, now).as_bytes()
    try:
        await client.connect()
        refused, _ = await client.sendmail(receiver.sender, list(receiver.to), data)
        with contextlib.suppress(aiosmtplib.SMTPException, OSError):
            await client.quit(timeout=QUIT_SECONDS)
    except (aiosmtplib.SMTPException, OSError) as error:
        raise DeliveryError(_reason(error)) from None
    finally:
        client.close()
    taken = len(receiver.to) - len(refused)
    return f"accepted for {taken} of {len(receiver.to)} addresses"


def _reason(error: Exception) -> str:
    """Why it failed. What a server says to a login may repeat the password: only its code is told."""
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return f"the server refuses the user name or the password ({error.code})"
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return f"the server refuses all addresses: {_said(error.recipients[0])}"
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"the server refuses the mail: {_said(error)}"
    return _of_connection(error)


def _of_connection(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPTimeoutError):
        return "no answer in time"
    if isinstance(error.__cause__, OSError):
        return reason(error.__cause__)
    if isinstance(error, aiosmtplib.SMTPServerDisconnected):
        return "the connection was closed before the answer"
    if isinstance(error, aiosmtplib.SMTPException):
        return cut(clean(error.message), REFUSAL_POINTS)
    return reason(error)


def _said(error: aiosmtplib.SMTPResponseException) -> str:
    return f"{error.code} {cut(clean(error.message), REFUSAL_POINTS)}".strip()


def _text(message: Message, alerts: tuple[Alert, ...], count: int) -> str:
    parts = [message.title, *("\n".join(_lines(a)) for a in alerts), left_out(count)]
    parts.append(f"Portal: {message.portal_url}" if message.portal_url else "")
    parts.append(f"-- \n{message.signature}")
    return "\n\n".join(filter(None, parts)) + "\n"


def _html(message: Message, alerts: tuple[Alert, ...], count: int) -> str:
    portal = _anchor("Portal", message.portal_url) if message.portal_url else ""
    parts = [f"<h3>{html.escape(message.title)}</h3>", *map(_paragraph, alerts)]
    parts += [f"<p>{part}</p>" for part in (html.escape(left_out(count)), portal) if part]
    parts.append(f"<p><small>{html.escape(message.signature)}</small></p>")
    return "\n".join(["<!doctype html>", '<html lang="en"><body>', *parts, "</body></html>", ""])


def _lines(alert: Alert) -> list[str]:
    labels = ", ".join(f"{key}: {value}" for key, value in alert.labels)
    runbook = f"Runbook: {alert.runbook}" if alert.runbook else ""
    texts = (alert.heading, alert.summary, alert.description, alert.when, labels, runbook)
    return [text for text in texts if text]


def _paragraph(alert: Alert) -> str:
    heading, *rest = [html.escape(line) for line in _lines(alert)]
    if is_link(alert.runbook):
        rest[-1] = _anchor("Runbook", alert.runbook)
    return "<p>" + "<br>\n".join([f"<b>{heading}</b>", *rest]) + "</p>"


def _anchor(text: str, url: str) -> str:
    return f'<a href="{html.escape(url)}">{text}</a>'


def _size(alert: Alert) -> int:
    return len("\n\n".join(["", *_lines(alert)]).encode())
