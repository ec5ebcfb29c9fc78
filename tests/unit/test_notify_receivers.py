"""The file of receivers: what is read from it, what is refused, and what never shows."""

import json
from pathlib import Path
from typing import Any

import pytest

from control.notify.receivers import Receiver, ReceiversError, read

URL = "https://oapi.dingtalk.com/robot/send?access_token=tokentoken"
MAIL = {
    "kind": "email",
    "server": "smtp.example.org:587",
    "sender": "horcrux@example.org",
    "to": ["ops@example.org"],
}


def written(tmp_path: Path, content: Any) -> Path:
    path = tmp_path / "receivers.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_each_kind_is_read_with_its_settings(tmp_path: Path) -> None:
    found = read(
        written(
            tmp_path,
            {
                "ops": {"kind": "webhook", "url": "http://ops:9000/hook"},
                "team": {"kind": "dingtalk", "url": URL, "sign": "SECx", "severities": ["info"]},
                "mail": {**MAIL, "username": "horcrux", "password": "hush", "security": None},
            },
        )
    )
    assert found["ops"] == Receiver("ops", "webhook", url="http://ops:9000/hook")
    assert found["team"] == Receiver("team", "dingtalk", url=URL, sign="SECx")
    mail = found["mail"]
    assert (mail.host, mail.port, mail.security) == ("smtp.example.org", 587, "starttls")
    assert (mail.to, mail.username, mail.password) == (("ops@example.org",), "horcrux", "hush")


def test_a_mail_server_may_be_an_address_of_version_6() -> None:
    found = Receiver("mail", "email", server="[fd00::25]:465")
    assert (found.host, found.port) == ("fd00::25", 465)


def test_no_file_is_no_receivers(tmp_path: Path) -> None:
    assert read(tmp_path / "receivers.json") == {}


def test_a_receiver_does_not_show_its_secrets() -> None:
    shown = repr(Receiver("x", "dingtalk", url=URL, sign="SECsign", password="password1"))
    assert "dingtalk" in shown
    for secret in (URL, "tokentoken", "SECsign", "password1"):
        assert secret not in shown


@pytest.mark.parametrize(
    ("item", "fault"),
    [
        ({"kind": "pager"}, "x.kind: 'pager' is none of webhook, email"),
        ({"kind": "webhook"}, "x.url: must be an address that begins with http"),
        ({"kind": "webhook", "url": "ftp://hush"}, "x.url: must be an address"),
        ({"kind": "webhook", "url": "http://hush host/"}, "x.url: must be an address"),
        ({"kind": "webhook", "url": "http://[hush"}, "x.url: must be an address"),
        ({"kind": "webhook", "url": ["hush"]}, "x.url: must be text"),
        ({"kind": "webhook", "url": URL, "to": []}, "x.to: is no setting of webhook"),
        ({"kind": "wecom", "url": URL, "sign": "hush"}, "x.sign: only dingtalk and feishu"),
        ({**MAIL, "url": URL}, "x.url: is no setting of email"),
        ({**MAIL, "server": "smtp.example.org"}, "x.server: must be host and port"),
        ({**MAIL, "server": "smtp.example.org:0"}, "x.server: must be host and port"),
        ({**MAIL, "security": "ssl"}, "x.security: must be one of starttls, tls, none"),
        ({**MAIL, "sender": "horcrux@example.org\r\nRCPT"}, "x.sender: must be one address"),
        ({**MAIL, "to": "ops@example.org"}, "x.to: must be a list of addresses"),
        ({**MAIL, "to": ["ops"]}, "x.to: must be a list of addresses"),
        ({**MAIL, "password": "hush"}, "x.username: goes with password"),
        (
            {**MAIL, "username": "u", "password": "hush", "security": "none"},
            "x.security: a password is never sent in the clear",
        ),
    ],
)
def test_what_cannot_be_used_is_named_without_its_value(
    tmp_path: Path, item: dict[str, Any], fault: str
) -> None:
    path = written(tmp_path, {"x": item})
    with pytest.raises(ReceiversError) as raised:
        read(path)
    assert str(raised.value).startswith(f"{path}: {fault}")
    assert "hush" not in str(raised.value)
    assert "tokentoken" not in str(raised.value)


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ReceiversError, match=r"(?s)a\.url: .*b\.kind: .*"):
        read(written(tmp_path, {"a": {"kind": "webhook"}, "b": {}}))


@pytest.mark.parametrize("content", ['{"x": hush', "[]", '{"x": "hush"}', '"hush"'])
def test_a_file_that_is_not_of_receivers_is_refused_and_not_shown(
    tmp_path: Path, content: str
) -> None:
    with pytest.raises(ReceiversError, match=r"receivers\.json: (is not JSON|must be)") as raised:
        read(written(tmp_path, content))
    assert "hush" not in str(raised.value)
    assert raised.value.__cause__ is None
