"""Compose files and what they become: files beside each other in `compose/`.

UPDATE_GOLDEN=1 writes the expected files anew; look at the difference before you keep it.
"""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from horcrux.compose_import import ComposeError, convert
from horcrux.compose_import.hosts import with_host
from horcrux.compose_import.interpolation import substitute
from horcrux.compose_import.names import named
from horcrux.compose_import.secret_values import holds_password, is_secret
from horcrux.compose_import.values import entries, seconds, size_in_bytes, words
from horcrux.settings import parse
from horcrux.settings.fields import NAME

FOLDER = Path(__file__).parent / "compose"
CASES = sorted(p for p in FOLDER.glob("*.yaml") if not p.name.endswith(".expected.yaml"))
HOSTS = {"managers": 3, "workers": 1, "memory": "16G", "labels": {"worker-1": {"disk": "ssd"}}}
SECRETS = ("hunter2", "s3cr3t", "npm_abcdef", "0123456789abcdef", "unique-phrase")


def imported(text: str, **variables: str) -> Any:
    return convert(text, "shop", variables)


def app(service: str, **variables: str) -> dict[str, Any]:
    """The app of a file with this one service, given as flow YAML."""
    apps: dict[str, dict[str, Any]] = imported(f"services: {{web: {service}}}", **variables).apps
    return apps["web"]


@pytest.mark.parametrize("case", CASES, ids=lambda p: p.stem)
def test_a_compose_file_becomes_the_expected_apps_and_notes(case: Path) -> None:
    apps, notes = convert(case.read_text(), "shop", {})
    shown = yaml.safe_dump(
        {"apps": apps, "notes": notes}, sort_keys=False, allow_unicode=True, width=1000
    )
    expected = case.with_suffix(".expected.yaml")
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(shown)
    assert shown == expected.read_text(), "if it is right: UPDATE_GOLDEN=1 pytest tests/golden"


@pytest.mark.parametrize("case", CASES, ids=lambda p: p.stem)
def test_the_expected_apps_are_settings(case: Path) -> None:
    expected = yaml.safe_load(case.with_suffix(".expected.yaml").read_text())
    assert set(parse({"hosts": HOSTS, "apps": expected["apps"]}, "dev").apps) == set(
        expected["apps"]
    )


@pytest.mark.parametrize("case", CASES, ids=lambda p: p.stem)
def test_no_secret_of_a_variable_is_in_the_result(case: Path) -> None:
    apps, notes = convert(case.read_text())
    said = "\n".join([*notes, *(yaml.safe_dump(a.get("env", {})) for a in apps.values())])
    assert not [secret for secret in SECRETS if secret in said]


@pytest.mark.parametrize("case", CASES, ids=lambda p: p.stem)
def test_every_note_names_a_place(case: Path) -> None:
    for note in convert(case.read_text()).notes:
        assert note.split(":")[0].split(".")[0] in ("services", "volumes", "include")


def test_there_is_an_expected_file_for_every_case_and_no_other() -> None:
    expected = {p.name for p in FOLDER.glob("*.expected.yaml")}
    assert expected == {f"{case.stem}.expected.yaml" for case in CASES}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a: [", "line 1: is not YAML"),
        ("just text", "services: is missing or not a mapping; give a Compose file"),
        ("web: {image: nginx}", "services: is missing or not a mapping"),
        ("services: {}", "services: is empty"),
        ("services: {web: nginx}", "services.web: is not a mapping"),
        ("services: {web: {ports: ['80']}}", "services.web: has neither `image` nor `build`"),
        ("services: {web: {image: '${IMAGE:?}'}}", "services.web.image: is empty, for IMAGE is"),
        ("services: {web: {image: '${IMAGE'}}", "services.web.image: has a ${ without its }"),
        (
            "services: {web: {image: a, healthcheck: {test: x, interval: soon}}}",
            "services.web.healthcheck.interval: 'soon' is not a duration; write it as 1m30s",
        ),
        (
            "services: {web: {image: a, mem_limit: much}}",
            "services.web.mem_limit: 'much' is not a size",
        ),
        (
            "services: {web: {image: a, ports: ['http']}}",
            "services.web.ports[0]: 'http' is not a port; write it as 8080:80",
        ),
        (
            "services: {web: {image: a, command: 'echo \"'}}",
            "services.web.command: is not a command line",
        ),
        (
            "services: {web: {image: a, depends_on: [db]}}",
            "services.web.depends_on[0]: there is no service 'db'",
        ),
        (
            "services: {a: {extends: b}, b: {extends: a}}",
            "services.b.extends: goes round in a circle: a → b → a",
        ),
        (
            "services: {web: {extends: {file: base.yaml, service: web}}}",
            "services.web: has neither `image` nor `build`; `docker compose config` prints",
        ),
        ("x: &x {y: *x}\nservices: {web: {image: a, labels: *x}}", "file: contains itself"),
    ],
)
def test_what_is_not_a_compose_file_is_an_error_with_its_place(text: str, error: str) -> None:
    with pytest.raises(ComposeError) as raised:
        imported(text)
    assert str(raised.value).startswith(error)


def test_an_error_in_yaml_does_not_quote_the_line() -> None:
    with pytest.raises(ComposeError) as raised:
        imported("services:\n  web:\n    environment:\n      PASSWORD: hunter2: x\n")
    assert str(raised.value).startswith("line 4: is not YAML")
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10s", 10), ("1m30s", 90), ("1h2m3s", 3723), ("1500ms", 2), ("20us", 1), ("1.1s", 2),
        ("0s", 1), ("10", 10), ("1d", 86400), ("400h", 86400),
    ],
)  # fmt: skip
def test_durations_become_whole_seconds_rounded_up(text: str, expected: int) -> None:
    assert seconds(text, "x") == expected


@pytest.mark.parametrize("text", ["", "s", "1 m", "-1s", "1m30", "ten", "1e3s"])
def test_other_durations_are_errors(text: str) -> None:
    with pytest.raises(ComposeError, match=r"^x: .* is not a duration"):
        seconds(text, "x")


@pytest.mark.parametrize(
    ("text", "expected", "unset"),
    [
        ("$A-$B", "1-", ["B"]),
        ("${A}${EMPTY}", "1", []),
        ("${B:-x}", "x", []),
        ("${EMPTY:-x}${EMPTY-y}", "x", []),
        ("${B:-${C:-${A}}}", "1", []),
        ("${B:-$C}", "", ["C"]),
        ("${B:?no B}${B?}", "", ["B", "B"]),
        ("${EMPTY:?}", "", ["EMPTY"]),
        ("${EMPTY?}", "", []),
        ("${A:+yes}${B:+no}${EMPTY:+no}${EMPTY+yes}", "yesyes", []),
        ("$$A $${A} $$$A", "$A ${A} $1", []),
        ("$(date) $1 $", "$(date) $1 $", []),
        ("${B:-}}", "}", []),
    ],
)
def test_variables_are_replaced_as_compose_does(text: str, expected: str, unset: list[str]) -> None:
    assert substitute(text, {"A": "1", "EMPTY": ""}) == (expected, unset)


@pytest.mark.parametrize("text", ["${", "${A", "${B:-${C}", "${}", "${1}", "${A!x}"])
def test_braces_that_hold_no_variable_are_errors(text: str) -> None:
    with pytest.raises(ValueError, match=r"has a \$\{"):
        substitute(text, {})


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("POSTGRES_PASSWORD", "x", True),
        ("PGPASSWORD", "x", True),
        ("dbPassword", "x", True),
        ("SECRET_KEY_BASE", "x", True),
        ("ENCRYPTION_KEY_BASE64", "x", True),
        ("API_TOKEN", "x", True),
        ("STRIPE_KEY", "x", True),
        ("RABBITMQ_DEFAULT_PASS", "x", True),
        ("DATABASE_URL", "mysql://u:p@db/x", True),
        ("BROKER", "redis://:p@queue", True),
        ("CERT", "-----BEGIN RSA PRIVATE KEY-----", True),
        ("DATABASE_URL", "mysql://db/x", False),
        ("POSTGRES_PASSWORD_FILE", "/run/secrets/x", False),
        ("PASSWORD_MIN_LENGTH", "8", False),
        ("TOKEN_TTL", "60", False),
        ("MYSQL_ALLOW_EMPTY_PASSWORD", "yes", False),
        ("MARIADB_RANDOM_ROOT_PASSWORD", "1", False),
        ("PUBLIC_KEY", "x", False),
        ("CACHE_KEY_PREFIX", "x", False),
        ("KEYBOARD", "de", False),
        ("MONKEY", "x", False),
        ("COMPASS", "x", False),
        ("SITE_URL", "http://example.org:80/a@b", False),
    ],
)
def test_secrets_are_known_by_their_names_and_values(name: str, value: str, secret: bool) -> None:
    assert is_secret(name, value) is secret


@pytest.mark.parametrize(
    ("command", "holds"),
    [
        ("redis-server --requirepass x", True),
        ("app --password=x", True),
        ("app --api-token x", True),
        ("app --password=$(cat /run/secrets/x)", False),
        ("app --password-file /run/secrets/x", False),
        ("app --passive x", False),
        ("app --verbose", False),
    ],
)
def test_passwords_in_commands_are_noticed(command: str, holds: bool) -> None:
    assert holds_password(command.split()) is holds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://my_db/", "http://my-db/"),
        ("a://u:p@my_db:1/my_db", "a://u:p@my-db:1/my_db"),
        ("my_db:80,my_db:81", "my-db:80,my-db:81"),
        ("my_db", "my_db"),
        ("old_my_db:80 my_db_2:80 http://my_db.org", "old_my_db:80 my_db_2:80 http://my_db.org"),
    ],
)
def test_names_are_followed_only_where_they_are_addresses(text: str, expected: str) -> None:
    assert with_host(text, "my_db", "my-db") == expected


@pytest.mark.parametrize(
    ("ports", "port", "routes"),
    [
        ("['8080:80']", 80, ["/"]),
        ("[80]", 80, ["/"]),
        ("['22:22']", 22, None),
        ("['127.0.0.1:81:8000', '9001:9001']", 8000, ["/"]),
        ("['[::1]:81:4321']", 4321, ["/"]),
        ("['443:443', '12345:12345']", 12345, ["/"]),
        ("['7000-7002:7000-7002']", None, None),
        ("['53:53/udp']", None, None),
        ("['127.0.0.1::3000']", 3000, ["/"]),
    ],
)
def test_one_port_is_chosen(ports: str, port: int | None, routes: list[str] | None) -> None:
    made = app(f"{{image: example/app, ports: {ports}}}")
    assert (made.get("port"), made.get("routes")) == (port, routes)


def test_plain_values_are_text_as_they_were_written() -> None:
    env = "{A: yes, B: 0644, C: 1.10, D: 2024-01-01, E: 22:22, F: 1_000, G: 'null'}"
    assert app(f"{{image: a, environment: {env}}}")["env"] == {
        "A": "yes", "B": "0644", "C": "1.10", "D": "2024-01-01", "E": "22:22", "F": "1_000",
        "G": "null",
    }  # fmt: skip


def test_variables_from_outside_are_taken() -> None:
    service = "{image: 'a:${TAG}', environment: [LEVEL, 'URL=$SCHEME://x']}"
    made = app(service, TAG="3", LEVEL="info", SCHEME="https")
    assert (made["image"], made["env"]) == ("a:3", {"LEVEL": "info", "URL": "https://x"})


def test_bindings_in_a_circle_are_cut_and_noted() -> None:
    apps, notes = imported(
        "services: {a: {image: x, expose: [80], links: [b]}, "
        "b: {image: x, expose: [80], links: [a]}}"
    )
    assert (apps["a"]["bind"], apps["b"].get("bind")) == (["b"], None)
    assert any("cannot go round in a circle (" in note for note in notes)
    parse({"apps": apps}, "dev")


def test_apps_that_share_a_volume_are_placed_together() -> None:
    apps, _ = imported(
        "services: {a: {image: x, volumes: ['v:/a']}, b: {image: x, volumes: ['v:/b'], "
        "deploy: {placement: {constraints: [node.hostname==worker-1]}}}}"
    )
    assert apps["a"]["placement"] == {"host": "worker-1"}
    parse({"hosts": HOSTS, "apps": apps}, "dev")


def test_lists_and_mappings_are_read_alike() -> None:
    assert entries(["A=1", "B"], "x") == entries({"A": "1", "B": None}, "x")


def test_sizes_and_command_lines_are_read_as_compose_writes_them() -> None:
    assert [size_in_bytes(t, "x") for t in ("512m", "1gb", "64k", "10b", "7")] == [
        512 << 20, 1 << 30, 64 << 10, 10, 7,
    ]  # fmt: skip
    assert words("run 'two words' a\\ b", "x") == ["run", "two words", "a b"]


@given(st.text(), st.lists(st.text(), max_size=3))
def test_every_text_has_a_name_of_its_own(text: str, others: list[str]) -> None:
    taken = [named(other) for other in others]
    name = named(text, taken)
    assert NAME.fullmatch(name)
    assert name not in taken


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 70000), st.text(max_size=5),
    st.sampled_from(["80:80", "a:/b", "web", "1m", "512M", "true", "A=b",
     "node.hostname==worker-1"]),
)  # fmt: skip
KEYS = st.sampled_from(
    ["image", "build", "command", "environment", "env_file", "secrets", "ports", "expose", "links",
     "depends_on", "healthcheck", "deploy", "replicas", "resources", "limits", "reservations",
     "placement", "constraints", "memory", "cpus", "test", "interval", "volumes", "tmpfs", "user",
     "networks", "labels", "extends", "source", "target", "context", "args", "privileged", "web"]
)  # fmt: skip
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(KEYS, TREES, max_size=5), st.dictionaries(KEYS, TREES, max_size=5))
def test_whatever_is_given_becomes_settings_or_an_error(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    services = {"web": {"image": "x", **first}, "my_db": {"image": "postgres", **second}}
    try:
        apps, _ = convert(yaml.safe_dump({"services": services, "secrets": {"web": {}}}))
    except ComposeError:
        return
    parse({"hosts": {**HOSTS, "memory": "64G"}, "apps": apps}, "dev")
