"""Whom alerts go to: what Alertmanager is told, and what control is given to deliver."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.alerting import CONSEQUENCES, HEARTBEAT, NOBODY, NOTIFY, alertmanager, receivers
from control.alertmanager import HIDDEN
from control.notify.receivers import read
from control.service import API_PORT
from horcrux.settings import Settings, SettingsError, parse
from horcrux.settings.monitoring import Monitoring

RULES = Path(__file__).parents[2] / "monitoring" / "mixin" / "rules"
CHECK_SECONDS = 30  # amtool takes a tenth of one
EMAIL = {
    "kind": "email",
    "server": "smtp.example.org:587",
    "sender": "horcrux@example.org",
    "to": ["ops@example.org", "night@example.org"],
    "username": "horcrux",
    "password": "smtp",
}
EACH_KIND: dict[str, dict[str, Any]] = {
    "hook": {"kind": "webhook", "url": "hook-url"},
    "mail": EMAIL,
    "open-mail": {
        key: value for key, value in EMAIL.items() if key not in ("username", "password")
    } | {"security": "none"},
    "tls-mail": {**EMAIL, "security": "tls", "server": "smtp.example.org:465"},
    "ding": {"kind": "dingtalk", "url": "ding-url", "sign": "ding-key"},
    "unsigned-ding": {"kind": "dingtalk", "url": "ding-url"},
    "fei": {"kind": "feishu", "url": "fei-url", "sign": "fei-key"},
    "we": {"kind": "wecom", "url": "we-url"},
}  # fmt: skip
SECRETS = {
    "hook-url": "https://hooks.example.org/a",
    "smtp": "a password",
    "ding-url": "https://oapi.example.org/robot/send?access_token=a",
    "ding-key": "SEC0123",
    "fei-url": "https://open.example.org/hook/b",
    "fei-key": "key",
    "we-url": "https://qyapi.example.org/send?key=c",
}


def monitoring(**named: dict[str, Any]) -> Monitoring:
    raw = {name.replace("_", "-"): receiver for name, receiver in named.items()}
    return parse({"monitoring": {"receivers": raw}}, "dev").monitoring


def configuration(**named: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(alertmanager(monitoring(**named)))
    return found


def matching(document: dict[str, Any], **labels: str) -> list[str]:
    """Who is told of an alert with these labels: what Alertmanager would do with such simple routes."""
    told = []
    for route in document["route"]["routes"]:
        pairs = [re.fullmatch(r'(\w+)="(.*)"', m) for m in route["matchers"]]
        if all(p and labels.get(p[1]) == p[2] for p in pairs):
            told.append(route["receiver"])
            if not route["continue"]:
                break
    return told or [document["route"]["receiver"]]


@pytest.mark.parametrize("named", [{}, EACH_KIND], ids=["nobody", "each kind"])
def test_alertmanager_takes_its_configuration(named: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "alertmanager.yml"
    path.write_text(alertmanager(monitoring(**named)))
    done = subprocess.run(
        ["amtool", "check-config", str(path)],
        capture_output=True,
        text=True,
        timeout=CHECK_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"- {len(CONSEQUENCES)} inhibit rules" in done.stdout
    assert f"- {len(named) + 1} receivers" in done.stdout


def test_amtool_agrees_on_who_is_told(tmp_path: Path) -> None:
    path = tmp_path / "alertmanager.yml"
    beat = {"kind": "webhook", "url": "a", "severities": ["heartbeat"]}
    path.write_text(alertmanager(monitoring(ops=EACH_KIND["hook"], beat=beat, mail=EMAIL)))
    for labels, told in (("critical", "ops,mail"), ("none", "beat"), ("info", NOBODY)):
        done = subprocess.run(
            ["amtool", "config", "routes", "test", f"--config.file={path}", f"severity={labels}"],
            capture_output=True,
            text=True,
            timeout=CHECK_SECONDS,
            check=True,
        )
        assert done.stdout.strip() == told


@pytest.mark.parametrize(
    ("severity", "told"),
    [
        ("critical", ["ops", "night"]),
        ("warning", ["ops"]),
        ("info", ["archive"]),
        ("none", ["beat", "archive"]),
        ("odd", [NOBODY]),
    ],
)
def test_each_is_told_of_the_severities_that_it_names(severity: str, told: list[str]) -> None:
    hook = EACH_KIND["hook"]
    document = configuration(
        ops=hook,  # critical and warning, as it says nothing
        night={**hook, "severities": ["critical"]},
        beat={**hook, "severities": ["heartbeat"]},
        archive={**hook, "severities": ["info", "heartbeat"]},
    )
    assert matching(document, severity=severity) == told


def test_the_heartbeat_alone_is_repeated_each_minute() -> None:
    hook = {**EACH_KIND["hook"], "severities": ["critical", "heartbeat"]}
    critical, beat = configuration(ops=hook)["route"]["routes"]
    assert "repeat_interval" not in critical
    assert beat["repeat_interval"] == "1m"
    assert HEARTBEAT == HIDDEN, "the heartbeat is no alert to be shown"


def test_every_receiver_is_reached_by_way_of_control() -> None:
    document = configuration(**EACH_KIND)
    urls = {r["name"]: r["webhook_configs"][0]["url"] for r in document["receivers"] if len(r) > 1}
    assert urls == {name: f"{NOTIFY}/{name}" for name in EACH_KIND}
    assert f":{API_PORT}/" in NOTIFY
    assert document["receivers"][0] == {"name": NOBODY}


def test_nothing_secret_is_in_alertmanager_s_configuration() -> None:
    text = alertmanager(monitoring(**EACH_KIND))
    words = [*SECRETS, *SECRETS.values(), "smtp.example.org", "ops@example.org"]
    assert [word for word in words if f" {word}" in text] == []


def alerts() -> dict[str, set[str]]:
    """The alerts that there are, each with its severities."""
    found: dict[str, set[str]] = {}
    for path in RULES.glob("*.yml"):
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                if "alert" in rule:
                    found.setdefault(rule["alert"], set()).add(rule["labels"]["severity"])
    return found


@pytest.mark.parametrize(("cause", "consequences", "alike"), CONSEQUENCES)
def test_what_holds_others_back_is_an_alert_and_so_are_they(
    cause: str, consequences: tuple[str, ...], alike: str
) -> None:
    assert cause in alerts()
    for pattern in consequences:
        others = {name for name in alerts() if re.fullmatch(pattern, name)} - {cause}
        assert others, f"{pattern} is no alert's name"


def test_no_alert_holds_itself_back() -> None:
    for rule in configuration()["inhibit_rules"]:
        (source,) = rule["source_matchers"]
        assert source.replace("=", "!=") in rule["target_matchers"]


def test_severities_of_alerts_are_those_that_receivers_can_name() -> None:
    used = set().union(*alerts().values())
    assert used <= {"critical", "warning", "info", HEARTBEAT}
    assert HEARTBEAT in used


def test_control_can_read_receivers_of_every_kind(tmp_path: Path) -> None:
    path = tmp_path / "receivers.json"
    path.write_text(receivers(monitoring(**EACH_KIND), SECRETS))
    found = read(path)
    assert {name: r.kind for name, r in found.items()} == {
        name: receiver["kind"] for name, receiver in EACH_KIND.items()
    }
    assert found["hook"].url == SECRETS["hook-url"]
    assert (found["ding"].url, found["ding"].sign) == (SECRETS["ding-url"], "SEC0123")
    mail = found["mail"]
    assert (mail.server, mail.username, mail.password) == (
        *("smtp.example.org:587", "horcrux"),
        "a password",
    )
    assert (mail.sender, mail.to) == (EMAIL["sender"], tuple(EMAIL["to"]))
    securities = [found[name].security for name in ("mail", "open-mail", "tls-mail")]
    assert securities == ["starttls", "none", "tls"]


def test_the_example_s_receivers_can_be_read_by_control(tmp_path: Path) -> None:
    raw = yaml.safe_load((Path(__file__).parents[2] / "docs" / "example-stack.yaml").read_text())
    told = Settings.model_validate({"monitoring": raw["config"]["horcrux:monitoring"]}).monitoring
    names = {s for r in told.receivers.values() for s in r.secrets.values()}
    path = tmp_path / "receivers.json"
    path.write_text(receivers(told, {name: f"https://{name}.example.org" for name in names}))
    assert read(path).keys() == told.receivers.keys()


def test_the_same_receivers_are_the_same_secret() -> None:
    backwards = monitoring(**dict(reversed(EACH_KIND.items())))
    assert receivers(monitoring(**EACH_KIND), SECRETS) == receivers(backwards, SECRETS)
    assert json.loads(receivers(monitoring(), {})) == {}


def test_all_values_that_lack_or_cannot_be_used_are_named_and_none_is_shown() -> None:
    given = {
        "smtp": "",
        "fei-url": "open.example.org/secret",
        "hook-url": "https://a b.example.org",
    }
    names = ("hook", "mail", "ding", "fei")
    with pytest.raises(SettingsError) as error:
        receivers(monitoring(**{name: EACH_KIND[name] for name in names}), given)

    def finding(setting: str, problem: str, secret: str) -> tuple[str, str]:
        remedy = f"{problem}; set it: horcrux secrets set monitoring {secret}"
        return f"monitoring.receivers.{setting}", remedy

    no_value, no_url = "has no value", "is not an address that begins with http:// or https://"
    assert error.value.findings == [
        finding("hook.url", no_url, "hook-url"),
        finding("mail.password", no_value, "smtp"),
        finding("ding.url", no_value, "ding-url"),
        finding("ding.sign", no_value, "ding-key"),
        finding("fei.url", no_url, "fei-url"),
        finding("fei.sign", no_value, "fei-key"),
    ]
    assert "open.example.org/secret" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "usable"),
    [
        ("https://a.example.org/x?y=1", True),
        ("http://10.0.0.1:8080/", True),
        ("https://a.example.org:0/", False),
        ("https://a.example.org:x/", False),
        ("https:///x", False),
        ("ftp://a.example.org/", False),
        ("https://a.example.org/ä", False),
        ("https://a.example.org/\n", False),
        ("https://[::1", False),
    ],
)
def test_a_url_is_refused_exactly_when_control_would_refuse_it(
    url: str, usable: bool, tmp_path: Path
) -> None:
    settings = monitoring(hook=EACH_KIND["hook"])
    path = tmp_path / "receivers.json"
    if not usable:
        with pytest.raises(SettingsError):
            receivers(settings, {"hook-url": url})
        path.write_text(json.dumps({"hook": {"kind": "webhook", "url": url}}))
        with pytest.raises(ValueError, match=r"url: must be an address"):
            read(path)
        return
    path.write_text(receivers(settings, {"hook-url": url}))
    assert read(path)["hook"].url == url
