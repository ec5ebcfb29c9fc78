"""Who is notified: the receivers of the stack file, with their secrets, as a file gives them.

The file is JSON, `{"NAME": {"kind": "dingtalk", "url": "https://…", "sign": "…"}}`. `severities` is
Alertmanager's matter and not looked at. Nothing here shows a URL, a signing secret or a password.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

KINDS = ("webhook", "email", "dingtalk", "wecom", "feishu")
SIGNED = ("dingtalk", "feishu")  # the services that have a signing secret
SECURITY = ("starttls", "tls", "none")
OF_URL = {"kind", "severities", "url", "sign"}
OF_EMAIL = {"kind", "severities", "server", "security", "username", "password", "sender", "to"}


@dataclass(frozen=True)
class Receiver:
    """One receiver. The fields of email are empty for the other kinds, `url` and `sign` for email."""

    name: str
    kind: str
    url: str = field(default="", repr=False)
    sign: str = field(default="", repr=False)
    server: str = ""
    security: str = "starttls"
    username: str = ""
    password: str = field(default="", repr=False)
    sender: str = ""
    to: tuple[str, ...] = ()

    @property
    def host(self) -> str:
        """The mail server's name or address."""
        return self.server.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The mail server's port."""
        return int(self.server.rpartition(":")[2])


class ReceiversError(ValueError):
    """The file cannot be used; the message names each receiver and setting, and no secret."""


def read(path: Path) -> dict[str, Receiver]:
    """The receivers of a file, by name; none where there is no file. ReceiversError names all faults."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ReceiversError(f"{path}: cannot be read ({type(error).__name__})") from None
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        raise ReceiversError(f"{path}: is not JSON; renew the secret with an update") from None
    if not isinstance(raw, dict) or not all(isinstance(item, dict) for item in raw.values()):
        raise ReceiversError(f'{path}: must be an object, {{"NAME": {{"kind": …}}}}')
    faults = [f"{path}: {name}.{fault}" for name, item in raw.items() for fault in _faults(item)]
    if faults:
        raise ReceiversError("\n".join(faults))
    return {name: _receiver(name, item) for name, item in raw.items()}


def _receiver(name: str, item: Mapping[str, Any]) -> Receiver:
    texts = {k: v for k, v in item.items() if k not in {"severities", "to"} and v}
    return Receiver(name, to=tuple(item.get("to") or ()), **texts)


def _faults(item: Mapping[str, Any]) -> list[str]:
    """What is wrong with one receiver: `setting: sentence`."""
    kind = item.get("kind")
    if kind not in KINDS:
        return [f"kind: {kind!r} is none of {', '.join(KINDS)}"]
    known = OF_EMAIL if kind == "email" else OF_URL
    faults = [f"{key}: is no setting of {kind}" for key in sorted(item.keys() - known)]
    faults += [
        f"{key}: must be text"
        for key in sorted(known - {"kind", "severities", "to"})
        if not isinstance(item.get(key) or "", str)
    ]
    return faults or (_of_email(item) if kind == "email" else _of_url(item))


def _of_url(item: Mapping[str, Any]) -> list[str]:
    faults = []
    if not _is_url(item.get("url") or ""):
        faults.append("url: must be an address that begins with http:// or https://")
    if item.get("sign") and item["kind"] not in SIGNED:
        faults.append(f"sign: only {' and '.join(SIGNED)} have a signing secret")
    return faults


def _of_email(item: Mapping[str, Any]) -> list[str]:
    faults = []
    host, _, port = (item.get("server") or "").rpartition(":")
    if not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        faults.append('server: must be host and port, like "smtp.example.org:587"')
    if (item.get("security") or "starttls") not in SECURITY:
        faults.append(f"security: must be one of {', '.join(SECURITY)}")
    if not _is_address(item.get("sender")):
        faults.append("sender: must be one address, like horcrux@example.org")
    to = item.get("to")
    if not isinstance(to, list) or not to or not all(_is_address(address) for address in to):
        faults.append("to: must be a list of addresses, like [ops@example.org]")
    if bool(item.get("username")) != bool(item.get("password")):
        faults.append("username: goes with password; give both or neither")
    if item.get("password") and item.get("security") == "none":
        faults.append("security: a password is never sent in the clear; take starttls or tls")
    return faults


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return usable and text.isascii() and not any(c == " " or not c.isprintable() for c in text)


def _is_address(text: Any) -> bool:
    """ASCII, one @, nothing that would end a header or an SMTP command."""
    if not isinstance(text, str) or not text.isascii() or text.count("@") != 1:
        return False
    return all(text.split("@")) and not any(c.isspace() or c in '<>,;:"\\()' for c in text)
