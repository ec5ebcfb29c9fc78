"""The reference of the settings: current, complete, and of one mind with `parse`."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from horcrux.settings import Settings
from horcrux.settings.reference import UnknownSectionError, markdown, schema

DOCS = Path(__file__).parents[2] / "docs"

EVERYTHING = """
encryptionsalt: v1:abc
config:
  aws:region: eu-central-1
  horcrux:domain: example.org
  horcrux:hosts: {managers: 3, workers: 1, memory: 8G, labels: {worker-1: {disk: ssd}}}
  horcrux:local: {subnet: 10.90.0.0/24, ports: {http: 9080}}
  horcrux:secrets: {db: {password: {secure: v1:xyz}}}
  horcrux:policies: {no-latest-tag: {level: advisory, reason: a trial}}
  horcrux:apps:
    db:
      image: mariadb:10.11
      port: 3306
      secrets: {password: {}, root: {generate: 32}}
      provides: {scheme: mysql, username: blog, secret: password}
      volumes: [{name: db, path: /var/lib/mysql}]
    web:
      build: {context: web, args: {DEBUG: false, LEVEL: 3}}
      port: 8080
      bind: [db]
      routes: [/, www.example.org/shop]
      health: {http: /healthz}
      limits: {cpus: 0.5, memory: 512M}
      edge: {body_limit: 1.5G}
"""


def errors(document: Any) -> list[str]:
    found = Draft202012Validator(schema()).iter_errors(document)
    return [f"{'.'.join(map(str, e.absolute_path))}: {e.message}" for e in found]


def with_config(**settings: Any) -> dict[str, Any]:
    return {"config": {f"horcrux:{key}": value for key, value in settings.items()}}


def test_the_committed_schema_is_current() -> None:
    committed = json.loads((DOCS / "stack.schema.json").read_text())
    assert committed == schema(), (
        "renew it: .venv/bin/horcrux config schema > docs/stack.schema.json"
    )


def test_the_committed_reference_is_current() -> None:
    committed = (DOCS / "settings.md").read_text()
    assert committed.strip() == markdown().strip(), (
        "renew it: .venv/bin/horcrux docs --all > docs/settings.md"
    )


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(schema())


def test_the_schema_takes_a_file_with_everything_in_it() -> None:
    assert errors(yaml.safe_load(EVERYTHING)) == []


def test_the_schema_takes_a_file_that_extends_another() -> None:
    above = with_config(
        extends="dev",
        apps={"web": {"limits": {"memory": "1G"}, "env": {"DEBUG": None}}, "db": None},
    )
    assert errors(above) == []


def test_the_schema_takes_settings_as_they_are_dumped() -> None:
    dumped = Settings.model_validate(
        {"apps": {"web": {"image": "web", "health": {"command": ["true"]}}}}
    ).model_dump(mode="json")
    assert errors(with_config(**dumped)) == []


@pytest.mark.parametrize(
    "document",
    [
        with_config(hots={}),
        with_config(hosts={"manager": 3}),
        with_config(hosts={"managers": 9}),
        with_config(apps={"Web": {"image": "web"}}),
        with_config(apps={"web": {"image": "web", "env": {"A-B": "x"}}}),
        with_config(apps={"web": {"image": "web", "routes": ["shop"]}}),
        with_config(apps={"web": {"image": "web", "port": 70000}}),
        with_config(apps={"web": {"image": "web", "volumes": [{"name": "data"}]}}),
        with_config(apps={"web": {"limits": {"cpus": 1, "memory": "much"}}}),
        {"confg": {}},
    ],
    ids=lambda document: json.dumps(document)[:60],
)
def test_the_schema_refuses(document: dict[str, Any]) -> None:
    assert errors(document)


def descriptions_missing(node: Any, path: str = "") -> list[str]:
    if not isinstance(node, dict):
        return []
    missing = [
        f"{path}.{key}"
        for key, value in node.get("properties", {}).items()
        if "description" not in value
    ]
    return missing + [
        m for key, v in node.items() for m in descriptions_missing(v, f"{path}.{key}")
    ]


def test_every_setting_has_a_description() -> None:
    assert descriptions_missing(schema()) == []


def test_sizes_are_shown_as_people_write_them() -> None:
    definitions = schema()["$defs"]
    assert definitions["App"]["properties"]["limits"]["default"] == {"cpus": 1.0, "memory": "256M"}
    assert definitions["EdgeRules"]["properties"]["body_limit"]["default"] == "16M"
    assert "268435456" not in markdown()


def test_every_setting_has_a_row_in_the_reference() -> None:
    text = markdown()
    for model in schema()["$defs"].values():
        for key in model["properties"]:
            assert f"| `{key}` |" in text


def test_a_section_comes_with_those_below_it() -> None:
    headings = [line for line in markdown("local").splitlines() if line.startswith("#")]
    assert headings == ["## local", "### local.ports"]


def test_a_single_setting_is_one_row() -> None:
    text = markdown("apps.health.retries")
    assert [line for line in text.splitlines() if line.startswith("| `")] == [
        "| `retries` | whole number from 1 to 100 | `3` "
        "| Failed checks in a row that make a task unhealthy. |"
    ]


@pytest.mark.parametrize(
    ("section", "help_"),
    [
        ("apps.helth", "did you mean apps.health or"),
        ("health", "did you mean apps.health?"),
        ("qqq", "there are: config, hosts, hosts.elastic, local"),
    ],
)
def test_an_unknown_section_is_an_error_with_suggestions(section: str, help_: str) -> None:
    with pytest.raises(UnknownSectionError) as error:
        markdown(section)
    assert str(error.value).startswith(f"{section!r} is not a section of the settings; {help_}")
