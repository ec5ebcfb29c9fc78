"""The verbs `secrets list` and `open`: what they print of settings and outputs."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from horcrux.cli import app
from horcrux.commands import apps
from horcrux.context import Context
from horcrux.exits import Exit, HorcruxError
from horcrux.settings import parse

SETTINGS = {
    "apps": {
        "web": {"image": "web", "secrets": {"token": {}, "key": {"generate": 32}, "other": {}}}
    },
    "edge": {"tls": {"certificate": "web.pem", "key": "tls-key"}},
    "monitoring": {
        "receivers": {
            "ops": {"kind": "dingtalk", "url": "bot-url", "sign": "bot-key"},
            "also-ops": {"kind": "dingtalk", "url": "bot-url"},
            "mail": {
                "kind": "email",
                "server": "smtp.example.org:587",
                "sender": "horcrux@example.org",
                "to": ["ops@example.org"],
                "username": "horcrux",
                "password": "smtp-password",
            },
        }
    },
}
GIVEN = {"web": {"token": "never-shown"}, "monitoring": {"bot-url": "never-shown"}}
OUTPUTS: dict[str, Any] = {
    "releases": {"web": {"history": [{}]}, "db": {"history": [{}]}},
    "urls": {"web": ["http://web.dev.localhost:8080/"], "db": []},
    "portal": {
        "url": "http://portal.dev.localhost:8080/",
        "username": "admin",
        "password": "a-password",
    },
    "grafana": None,
}


class Stack:
    """A stack whose configuration has some secrets."""

    def __init__(self, *_: Any, **__: Any) -> None:
        """Whatever it is of."""

    def config(self) -> dict[str, Any]:
        return {"horcrux:secrets": SimpleNamespace(value=json.dumps(GIVEN))}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    project = SimpleNamespace(environment="dev", settings=lambda: parse(SETTINGS, "dev"))
    monkeypatch.setattr(Context, "project", lambda *_: project)
    outputs = SimpleNamespace(values=OUTPUTS, release=lambda name: OUTPUTS["releases"][name])
    monkeypatch.setattr(Context, "outputs", lambda *_: outputs)
    monkeypatch.setattr(apps, "Stack", Stack)


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), env={"COLUMNS": "120"})


def test_every_secret_that_settings_ask_for_is_listed_once() -> None:
    result = run("secrets", "list", "--json")
    assert [tuple(row.values()) for row in json.loads(result.output)] == [
        ("web", "token", "set"),
        ("web", "key", "generated"),
        ("web", "other", "missing"),
        ("edge", "tls-key", "missing"),
        ("monitoring", "bot-url", "set"),
        ("monitoring", "bot-key", "missing"),
        ("monitoring", "smtp-password", "missing"),
    ]


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_no_value_is_shown(words: tuple[str, ...]) -> None:
    result = run("secrets", "list", *words)
    assert "bot-key" in result.output
    assert "never-shown" not in result.output


def test_open_portal_prints_where_it_is_and_its_account() -> None:
    assert run("open", "portal").output.splitlines() == [
        "http://portal.dev.localhost:8080/",
        "account: admin",
        "password: a-password",
    ]


def test_open_prints_an_app_s_first_url_and_no_password() -> None:
    assert run("open", "web").output == "http://web.dev.localhost:8080/\n"


@pytest.mark.parametrize(
    ("name", "said"),
    [("db", "db has no routes"), ("grafana", "there is no grafana")],
)
def test_what_cannot_be_opened_is_an_error_with_the_remedy(name: str, said: str) -> None:
    error = run("open", name).exception
    assert isinstance(error, HorcruxError)
    assert error.code == Exit.USAGE
    assert said in str(error)
