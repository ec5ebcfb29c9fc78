"""The settings of monitoring: which receivers are complete, and what an app's measurements need."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.alerting import receivers
from control.notify.receivers import ReceiversError, read
from horcrux.settings import SettingsError, parse
from horcrux.settings.monitoring import Receiver

URLS = ("webhook", "dingtalk", "wecom", "feishu")
EMAIL: dict[str, Any] = {
    "kind": "email",
    "server": "smtp.example.org:587",
    "sender": "horcrux@example.org",
    "to": ["ops@example.org"],
}


def refused(receiver: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(SettingsError) as error:
        parse({"monitoring": {"receivers": {"ops": receiver}}}, "dev")
    return error.value.findings


def made(receiver: dict[str, Any]) -> Receiver:
    return parse({"monitoring": {"receivers": {"ops": receiver}}}, "dev").monitoring.receivers[
        "ops"
    ]


def without(key: str) -> dict[str, Any]:
    return {k: v for k, v in EMAIL.items() if k != key}


def test_monitoring_is_on_and_tells_nobody_if_nothing_is_said() -> None:
    told = parse({}, "dev").monitoring
    assert (told.enabled, told.receivers, told.grafana) == (True, {}, None)
    assert (told.retention, told.storage, told.memory) == (15, 4 << 30, 512 << 20)


@pytest.mark.parametrize("kind", URLS)
def test_all_but_email_need_an_address(kind: str) -> None:
    assert refused({"kind": kind}) == [
        ("monitoring.receivers.ops", f"a {kind} receiver needs `url`, the name of a secret")
    ]
    assert made({"kind": kind, "url": "a-secret"}).secrets == {"url": "a-secret"}


@pytest.mark.parametrize("kind", ["dingtalk", "feishu"])
def test_some_bots_want_messages_signed(kind: str) -> None:
    signed = made({"kind": kind, "url": "a", "sign": "b"})
    assert signed.secrets == {"url": "a", "sign": "b"}


@pytest.mark.parametrize(
    "setting",
    [
        {"server": EMAIL["server"]},
        {"sender": EMAIL["sender"]},
        {"to": EMAIL["to"]},
        {"username": "a"},
        {"password": "a"},
        {"security": "tls"},
    ],
    ids=lambda setting: next(iter(setting)),
)
@pytest.mark.parametrize("kind", URLS)
def test_what_is_mail_s_is_not_for_the_others(kind: str, setting: dict[str, Any]) -> None:
    (key,) = setting
    said = f"{key}: not for the kind {kind}"
    assert refused({"kind": kind, "url": "a", **setting}) == [("monitoring.receivers.ops", said)]


@pytest.mark.parametrize("kind", ["webhook", "wecom"])
def test_only_some_bots_sign(kind: str) -> None:
    said = f"sign: not for the kind {kind}"
    found = refused({"kind": kind, "url": "a", "sign": "b"})
    assert found == [("monitoring.receivers.ops", said)]


def test_email_has_neither_address_nor_signing_key() -> None:
    (finding,) = refused({**EMAIL, "url": "a", "sign": "b"})
    assert finding[1] == "sign, url: not for the kind email"


@pytest.mark.parametrize("key", ["server", "sender", "to"])
def test_email_needs_a_server_a_sender_and_recipients(key: str) -> None:
    assert refused(without(key)) == [("monitoring.receivers.ops", f"an email receiver needs {key}")]


def test_all_that_email_lacks_is_told_at_once() -> None:
    (finding,) = refused({"kind": "email"})
    assert finding[1] == "an email receiver needs server, sender, to"


@pytest.mark.parametrize("given", [{"username": "a"}, {"password": "a"}])
def test_an_account_has_a_name_and_a_password(given: dict[str, str]) -> None:
    (finding,) = refused({**EMAIL, **given})
    assert finding[1] == "needs both of `username` and `password`, or neither"
    assert made(EMAIL).secrets == {}
    assert made({**EMAIL, "username": "a", "password": "b"}).secrets == {"password": "b"}


def test_a_password_is_never_sent_in_the_open() -> None:
    account = {"username": "a", "password": "b"}
    (finding,) = refused({**EMAIL, **account, "security": "none"})
    assert "never sent in the clear" in finding[1]
    assert made({**EMAIL, "security": "none"}).security == "none"
    assert made({**EMAIL, **account, "security": "tls"}).security == "tls"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ops",
        "@example.org",
        "ops@",
        "a@b@c",
        "a b@c",
        "Ops <a@b>",
        "a@b,c@d",
        "a@b\nBcc: c",
        "ä@b",
    ],
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    remedy = f"{address!r} is not a mail address: write one, like ops@example.org"
    assert refused({**EMAIL, "sender": address}) == [("monitoring.receivers.ops.sender", remedy)]
    assert refused({**EMAIL, "to": ["a@b.c", address]}) == [
        ("monitoring.receivers.ops.to[1]", remedy)
    ]


@pytest.mark.parametrize(
    "server", ["smtp.example.org", ":587", "smtp:0", "smtp:65536", "smtp:99999", "smtp:x", "a b:25"]
)
def test_a_server_is_a_host_and_a_port(server: str) -> None:
    ((path, what),) = refused({**EMAIL, "server": server})
    assert path == "monitoring.receivers.ops.server"
    assert "is not a host and a port, like smtp.example.org:587" in what


def test_severities_are_those_that_there_are() -> None:
    hook = {"kind": "webhook", "url": "a"}
    assert refused({**hook, "severities": ["critical", "grave"]}) == [
        (
            "monitoring.receivers.ops.severities[1]",
            "'grave' is not one of 'critical', 'warning', 'info' or 'heartbeat'",
        )
    ]
    ((path, what),) = refused({**hook, "severities": []})
    assert path == "monitoring.receivers.ops"
    assert what.startswith("`severities` names none")


def test_settings_that_were_dumped_are_settings() -> None:
    for receiver in ({"kind": "webhook", "url": "a"}, EMAIL):
        before = made(receiver)
        assert made(before.model_dump(mode="json")) == before


@pytest.mark.parametrize("receiver", [EMAIL, *({"kind": kind, "url": "a"} for kind in URLS)])
def test_what_settings_take_control_takes(receiver: dict[str, Any], tmp_path: Path) -> None:
    told = parse({"monitoring": {"receivers": {"ops": receiver}}}, "dev").monitoring
    path = tmp_path / "receivers.json"
    path.write_text(receivers(told, {"a": "https://example.org/"}))
    assert read(path)["ops"].kind == receiver["kind"]


@pytest.mark.parametrize(
    "receiver",
    [
        {**EMAIL, "url": "https://example.org"},
        {**EMAIL, "sender": "ops"},
        {**EMAIL, "to": []},
        {**EMAIL, "server": "smtp:99999"},
        {**EMAIL, "username": "a"},
        {**EMAIL, "username": "a", "password": "b", "security": "none"},
        {"kind": "wecom", "url": "https://example.org", "sign": "a"},
        {"kind": "webhook", "url": "https://example.org", "to": ["a@b.c"]},
    ],
)
def test_what_control_refuses_settings_refuse(receiver: dict[str, Any], tmp_path: Path) -> None:
    """One that control cannot use would keep it from telling anybody."""
    path = tmp_path / "receivers.json"
    path.write_text(json.dumps({"ops": receiver}))
    with pytest.raises(ReceiversError):
        read(path)
    secrets = ("url", "password", "sign")
    named = {key: "a-secret" if key in secrets else value for key, value in receiver.items()}
    assert refused(named)


@pytest.mark.parametrize(
    ("monitoring", "path"),
    [
        ({"retention": 0}, "monitoring.retention"),
        ({"retention": 3651}, "monitoring.retention"),
        ({"storage": "100M"}, "monitoring.storage"),
        ({"memory": "64M"}, "monitoring.memory"),
        ({"portal": {"session": 0}}, "monitoring.portal.session"),
        ({"grafana": {"image": ""}}, "monitoring.grafana.image"),
        ({"grafana": {}}, "monitoring.grafana.image"),
    ],
)
def test_bounds_of_what_is_kept(monitoring: dict[str, Any], path: str) -> None:
    with pytest.raises(SettingsError) as error:
        parse({"monitoring": monitoring}, "dev")
    assert [where for where, _ in error.value.findings] == [path]


def app(**settings: Any) -> dict[str, Any]:
    return {"apps": {"web": {"image": "web", **settings}}}


def test_measurements_are_at_the_app_s_port_or_one_of_their_own() -> None:
    parse(app(port=80, metrics={}), "dev")
    parse(app(metrics={"port": 9000}), "dev")
    with pytest.raises(SettingsError) as error:
        parse(app(metrics={"path": "/own"}), "dev")
    assert error.value.findings == [
        ("apps.web.metrics.port", "is needed, for the app has no `port`")
    ]


@pytest.mark.parametrize("path", ["metrics", "", "/a b"])
def test_measurements_are_at_a_path(path: str) -> None:
    with pytest.raises(SettingsError) as error:
        parse(app(port=80, metrics={"path": path}), "dev")
    assert [where for where, _ in error.value.findings] == ["apps.web.metrics.path"]


@pytest.mark.parametrize("name", ["monitoring", "portal", "grafana"])
def test_no_app_is_called_like_a_page_of_the_platform_s(name: str) -> None:
    with pytest.raises(SettingsError, match="is a name of the platform's own"):
        parse({"apps": {name: {"image": "web"}}}, "dev")


@pytest.mark.parametrize(("page", "of"), [("portal", "the portal"), ("grafana", "Grafana")])
def test_no_app_has_the_route_of_a_page(page: str, of: str) -> None:
    route = f"{page}.dev.localhost/"
    with pytest.raises(SettingsError) as error:
        parse(app(port=80, routes=[route]), "dev")
    assert error.value.findings == [("apps.web.routes[0]", f"{route} is a route of {of} already")]
