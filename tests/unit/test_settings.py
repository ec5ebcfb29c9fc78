"""The settings: what is refused, in which words, and what holds for all of them."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from horcrux.settings import Settings, SettingsError, layout, parse
from horcrux.settings.fields import shown_size, size
from horcrux.settings.stack_file import environments, from_pulumi, read

WEB = {"image": "web", "port": 80}
DB = {"image": "db", "port": 5432}
DATA = {"name": "data", "path": "/data"}


def findings(raw: dict[str, Any], environment: str = "dev") -> list[tuple[str, str]]:
    with pytest.raises(SettingsError) as error:
        parse(raw, environment)
    return error.value.findings


def of_apps(**apps: dict[str, Any]) -> list[tuple[str, str]]:
    return findings({"apps": {name.replace("_", "-"): app for name, app in apps.items()}})


def project(folder: Path, **stacks: dict[str, Any]) -> Path:
    """A project with these stack files, the settings given without their prefix."""
    (folder / "stacks").mkdir()
    for name, config in stacks.items():
        prefixed = {f"horcrux:{key}": value for key, value in config.items()}
        text = yaml.safe_dump({"config": prefixed})
        (folder / "stacks" / f"Pulumi.{name}.yaml").write_text(text)
    return folder


def test_nothing_at_all_is_a_cluster_of_three() -> None:
    made = parse({}, "dev")
    assert [host.name for host in layout(made.hosts, made.local.subnet)] == [
        "manager-1",
        "manager-2",
        "manager-3",
    ]


def test_all_errors_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as error:
        parse(
            {
                "hots": {},
                "domain": 7,
                "hosts": {"managers": "many", "memory": "huge"},
                "apps": {"web": {"image": "web", "port": 0, "routes": ["shop"]}},
            },
            "dev",
            "stacks/Pulumi.dev.yaml",
        )
    assert str(error.value) == (
        "stacks/Pulumi.dev.yaml has 6 errors:\n"
        "  domain: 7 is not text\n"
        "  hosts.managers: 'many' is not a whole number\n"
        "  hosts.memory: 'huge' is not a size: write it as 512M or 1.5G\n"
        "  apps.web.port: 0 is not a port (1-65535)\n"
        "  apps.web.routes[0]: 'shop' is not a route: write a path (/shop) "
        "or a host and a path (www.example.org/)\n"
        "  hots: is not a setting; did you mean `hosts`?"
    )


def test_errors_between_settings_are_told_at_once() -> None:
    with pytest.raises(SettingsError, match=r"^the configuration has 2 errors:\n") as error:
        parse({"hosts": {"managers": 2}, "apps": {"web": {}}}, "dev")
    assert error.value.findings == [
        ("hosts.managers", "2 managers cannot agree better than 1: take 1, 3, 5 or 7"),
        ("apps.web", "needs an `image` or a `build`"),
    ]


@pytest.mark.parametrize(
    ("raw", "path", "what"),
    [
        ({"apps": {"web": {"imag": "a"}}}, "apps.web.imag", "did you mean `image`?"),
        ({"apps": {"web": {"health": {"htp": "/"}}}}, "apps.web.health.htp", "mean `http`?"),
        ({"apps": {"web": {"volumes": [{"nam": "a"}]}}}, "apps.web.volumes[0].nam", "mean `name`?"),
        # Apps that are called like a setting are apps all the same.
        ({"apps": {"health": {"imag": "a"}}}, "apps.health.imag", "did you mean `image`?"),
        ({"apps": {"env": {"rutes": []}}}, "apps.env.rutes", "did you mean `routes`?"),
        ({"local": {"zzz": 1}}, "local.zzz", "there are: subnet, ports"),
    ],
)
def test_an_unknown_key_comes_with_a_suggestion(raw: dict[str, Any], path: str, what: str) -> None:
    found = dict(findings(raw))
    assert found[path].startswith("is not a setting; ")
    assert found[path].endswith(what)


@pytest.mark.parametrize(
    ("raw", "finding"),
    [
        (
            {"apps": {"Web": WEB}},
            (
                "apps.Web",
                "'Web' is not a name: small letters, digits and dashes, "
                "a letter first, at most 40 characters",
            ),
        ),
        ({"apps": {"web": None}}, ("apps.web", "nothing is not a mapping")),
        ({"apps": []}, ("apps", "a list is not a mapping")),
        (
            {"apps": {"web": {**WEB, "health": {}}}},
            ("apps.web.health", "needs one of `http` and `command`"),
        ),
        (
            {"apps": {"web": {**WEB, "limits": {"cpus": 1, "memory": "1K"}}}},
            ("apps.web.limits.memory", "1K is too little; it must be at least 4M"),
        ),
        (
            {"apps": {"web": {**WEB, "limits": {"cpus": 0, "memory": "1G"}}}},
            ("apps.web.limits.cpus", "0 is out of range; it must be above 0"),
        ),
        (
            {"apps": {"web": {**WEB, "limits": {"memory": "1G"}}}},
            ("apps.web.limits.cpus", "is required"),
        ),
        (
            {"hosts": {"managers": 9}},
            ("hosts.managers", "9 is out of range; it must be at most 7"),
        ),
        (
            {"hosts": {"cpus": float("inf")}},
            ("hosts.cpus", "inf: input should be a finite number"),
        ),
        (
            {"target": "moon"},
            ("target", "'moon' is not one of 'local'"),
        ),
        (
            {"local": {"subnet": "10.0.0.0/28"}},
            (
                "local.subnet",
                "'10.0.0.0/28' is too small or not private: take a private /24 or larger",
            ),
        ),
        (
            {"local": {"subnet": "here"}},
            ("local.subnet", "'here' is not a subnet: write it as 10.87.1.0/24"),
        ),
        (
            {"apps": {"web": {**WEB, "env": {"A-B": "x"}}}},
            ("apps.web.env.A-B", "'A-B' is not the name of an environment variable"),
        ),
        (
            {"apps": {"web": {**WEB, "env": {"A": None}}}},
            ("apps.web.env.A", "nothing is not text"),
        ),
        (
            {"apps": {"web": {**WEB, "volumes": [{"name": "data", "path": "data"}]}}},
            ("apps.web.volumes[0].path", "'data' is not an absolute path inside the container"),
        ),
    ],
)
def test_a_wrong_value_is_told_with_its_path(raw: dict[str, Any], finding: tuple[str, str]) -> None:
    assert findings(raw) == [finding]


@pytest.mark.parametrize(
    ("raw", "finding"),
    [
        (
            {"hosts": {"managers": 4}},
            ("hosts.managers", "4 managers cannot agree better than 3: take 1, 3, 5 or 7"),
        ),
        (
            {"hosts": {"managers": 1, "labels": {"worker-1": {"disk": "ssd"}}}},
            ("hosts.labels.worker-1", "there is no such host; there are manager-1"),
        ),
        (
            {"local": {"ports": {"http": 9000, "registry": 9000}}},
            ("local.ports.registry", "9000 is the port of http already"),
        ),
        (
            {"apps": {"edge": WEB}},
            ("apps.edge", "'edge' is a name of the platform's own; take another"),
        ),
        (
            {"apps": {"web": {"build": {"context": "../web"}}}},
            (
                "apps.web.build.context",
                "'../web' is outside the project; give a folder inside it",
            ),
        ),
        (
            {"apps": {"web": {"image": "web", "routes": ["/"]}}},
            ("apps.web.port", "is needed, for the app has routes"),
        ),
        (
            {"apps": {"web": {"image": "web", "health": {"http": "/"}}}},
            ("apps.web.port", "is needed, for `health.http` asks there"),
        ),
        (
            {"apps": {"web": {"image": "web", "provides": {}}}},
            ("apps.web.port", "is needed, for other apps bind to it"),
        ),
        (
            {"apps": {"db": {**DB, "provides": {"secret": "password"}}}},
            ("apps.db.provides.secret", "'password' is not among the app's secrets"),
        ),
        (
            {"apps": {"db": {**DB, "replicas": 2, "volumes": [DATA]}}},
            (
                "apps.db.replicas",
                "2 tasks would write to one volume; take 1, or make the volume a `cache`",
            ),
        ),
        (
            {"apps": {"web": {**WEB, "reserve": {"cpus": 2, "memory": "64M"}}}},
            ("apps.web.reserve.cpus", "is above limits.cpus; lower it or raise the limit"),
        ),
        (
            {"apps": {"web": {**WEB, "limits": {"cpus": 1, "memory": "5G"}}}},
            ("apps.web.limits.memory", "is more than a whole host has; see hosts.memory"),
        ),
        (
            {"hosts": {"managers": 1}, "apps": {"web": {**WEB, "placement": {"host": "x"}}}},
            ("apps.web.placement.host", "there is no host 'x'; there are manager-1"),
        ),
        (
            {"apps": {"web": {**WEB, "placement": {"zone": "x"}}}},
            ("apps.web.placement.zone", "no host is in zone 'x'; see hosts.zones"),
        ),
        (
            {"apps": {"web": {**WEB, "placement": {"labels": {"disk": "ssd"}}}}},
            ("apps.web.placement.labels.disk", "no host has the label disk=ssd; see hosts.labels"),
        ),
    ],
)
def test_what_cannot_be_together_is_refused(raw: dict[str, Any], finding: tuple[str, str]) -> None:
    assert findings(raw) == [finding]


def test_a_binding_to_no_app_is_refused() -> None:
    assert of_apps(web={**WEB, "bind": ["bd"]}, db=DB) == [
        ("apps.web.bind[0]", "there is no app 'bd'; there are db")
    ]


def test_a_binding_to_an_app_without_a_port_is_refused() -> None:
    assert of_apps(web={**WEB, "bind": ["job"]}, job={"image": "job"}) == [
        ("apps.web.bind[0]", "apps.job has no `port` to bind to")
    ]


def test_a_binding_to_itself_is_refused_once() -> None:
    assert of_apps(web={**WEB, "bind": ["web"]}) == [
        ("apps.web.bind[0]", "an app cannot bind to itself")
    ]


def test_bindings_in_a_circle_are_refused() -> None:
    found = of_apps(
        a={**WEB, "bind": ["b"]},
        b={**WEB, "bind": ["c"]},
        c={**WEB, "bind": ["a"]},
    )
    ((path, what),) = found
    start = path.removeprefix("apps.").removesuffix(".bind")
    ring = {"a": "a → b → c → a", "b": "b → c → a → b", "c": "c → a → b → c"}[start]
    assert what == f"goes round in a circle: {ring}; cut one of them"


def test_a_route_that_is_there_twice_is_refused() -> None:
    found = of_apps(
        web={**WEB, "routes": ["/", "www.example.org/shop"]},
        shop={**WEB, "routes": ["www.example.org/shop/", "web.dev.localhost/"]},
    )
    assert found == [
        ("apps.shop.routes[0]", "www.example.org/shop/ is a route of web already"),
        ("apps.shop.routes[1]", "web.dev.localhost/ is a route of web already"),
    ]


def test_routes_of_different_environments_are_not_the_same() -> None:
    raw = {
        "apps": {"web": {**WEB, "routes": ["/"]}, "b": {**WEB, "routes": ["web.dev.localhost/"]}}
    }
    assert findings(raw, "dev")
    assert parse(raw, "prod")


def test_a_volume_that_is_shared_by_apps_on_different_hosts_is_refused() -> None:
    found = of_apps(
        db={**DB, "volumes": [DATA]},
        backup={**DB, "volumes": [DATA], "placement": {"host": "manager-2"}},
    )
    assert found == [
        (
            "apps.backup.volumes[0]",
            "'data' is on manager-1 with db, but backup is on manager-2: "
            "a volume lives on one host; set the same placement.host for both",
        )
    ]


def test_a_volume_may_be_shared_on_one_host() -> None:
    same = {**DB, "volumes": [DATA], "placement": {"host": "manager-2"}}
    assert parse({"apps": {"db": same, "backup": same}}, "dev")


@pytest.mark.parametrize("second", ["/data", "/data/", "/data/."])
def test_two_volumes_at_one_path_are_refused(second: str) -> None:
    volumes = [DATA, {"name": "other", "path": second}]
    found = of_apps(db={**DB, "volumes": volumes})
    assert found == [("apps.db.volumes[1].path", f"{second} is mounted already")]


def test_numbers_and_truth_values_in_the_environment_become_text() -> None:
    env = parse({"apps": {"web": {**WEB, "env": {"A": 1, "B": True, "C": 1.5}}}}, "dev").apps["web"]
    assert env.env == {"A": "1", "B": "true", "C": "1.5"}


def test_a_further_manager_does_not_move_the_workers() -> None:
    def addresses(managers: int) -> list[str]:
        made = parse({"hosts": {"managers": managers, "workers": 2}}, "dev")
        hosts = layout(made.hosts, made.local.subnet)
        return [host.address for host in hosts if host.role == "worker"]

    assert addresses(1) == addresses(7)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("512M", 512 << 20), ("1.5G", 3 << 29), ("2GiB", 2 << 30), ("64kb", 64 << 10), (7, 7)],
)
def test_sizes_are_in_units_of_1024(text: str | int, expected: int) -> None:
    assert size(text) == expected


@pytest.mark.parametrize(
    "text", ["", "M", "-1M", "1 GB x", "9" * 400, "\u0661M", 1.5, True, None, []]
)
def test_other_sizes_are_errors(text: Any) -> None:
    with pytest.raises(ValueError, match=r"is not a size: write it as 512M or 1\.5G"):
        size(text)


@given(st.integers(0, 1 << 50))
def test_a_size_that_is_shown_reads_the_same(value: int) -> None:
    assert size(shown_size(value)) == value


# The files


def test_a_stack_lies_over_the_one_that_it_extends(tmp_path: Path) -> None:
    folder = project(
        tmp_path,
        dev={"apps": {"web": {**WEB, "replicas": 1, "env": {"A": "1", "B": "2"}}, "db": DB}},
        prod={
            "extends": "dev",
            "apps": {"web": {"replicas": 3, "env": {"B": "3"}}},
            "hosts": {"workers": 2},
        },
    )
    made = read(folder, "prod")
    assert made.hosts.workers == 2
    assert set(made.apps) == {"web", "db"}
    assert (made.apps["web"].image, made.apps["web"].replicas) == ("web", 3)
    assert made.apps["web"].env == {"A": "1", "B": "3"}


def test_a_stack_may_extend_one_that_extends_another(tmp_path: Path) -> None:
    folder = project(
        tmp_path,
        base={"domain": "example.org", "apps": {"web": WEB}},
        middle={"extends": "base", "apps": {"web": {"replicas": 2}}},
        top={"extends": "middle", "apps": {"web": {"port": 81}}},
    )
    web = read(folder, "top").apps["web"]
    assert (read(folder, "top").domain, web.replicas, web.port) == ("example.org", 2, 81)


def test_lists_are_replaced_not_joined(tmp_path: Path) -> None:
    folder = project(
        tmp_path,
        dev={"apps": {"web": {**WEB, "routes": ["/a", "/b"]}}},
        prod={"extends": "dev", "apps": {"web": {"routes": ["/c"]}}},
    )
    assert read(folder, "prod").apps["web"].routes == ("/c",)


def test_null_takes_away_what_is_below(tmp_path: Path) -> None:
    folder = project(
        tmp_path,
        dev={"apps": {"web": {**WEB, "env": {"A": "1", "B": "2"}}, "db": DB}},
        prod={"extends": "dev", "apps": {"db": None, "web": {"env": {"A": None}}}},
    )
    made = read(folder, "prod")
    assert set(made.apps) == {"web"}
    assert made.apps["web"].env == {"B": "2"}


def test_null_may_take_away_what_is_not_there(tmp_path: Path) -> None:
    folder = project(
        tmp_path,
        dev={"apps": {"web": WEB}},
        prod={"extends": "dev", "apps": {"web": {"env": {"A": None}}, "db": None}},
    )
    made = read(folder, "prod")
    assert (set(made.apps), made.apps["web"].env) == ({"web"}, {})


def test_stacks_that_extend_each_other_are_refused(tmp_path: Path) -> None:
    folder = project(tmp_path, a={"extends": "b"}, b={"extends": "a"})
    with pytest.raises(SettingsError) as error:
        read(folder, "a")
    assert str(error.value) == (
        "stacks/Pulumi.b.yaml has one error:\n  extends: goes round in a circle: a → b → a"
    )


def test_a_missing_base_is_told_with_those_that_are_there(tmp_path: Path) -> None:
    folder = project(tmp_path, dev={}, prod={"extends": "pord"})
    with pytest.raises(SettingsError) as error:
        read(folder, "prod")
    assert error.value.findings == [
        ("extends", "there is no stacks/Pulumi.pord.yaml; there are dev, prod")
    ]


def test_a_missing_stack_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as error:
        read(project(tmp_path), "dev")
    assert str(error.value) == (
        "stacks/Pulumi.dev.yaml has one error:\n"
        "  file: is not there; `horcrux env list` shows what is"
    )


@pytest.mark.parametrize("content", [b"a: [", b"\xff\xfe\x00", b"a: \t- b"])
def test_a_file_that_is_not_yaml_is_told(tmp_path: Path, content: bytes) -> None:
    (project(tmp_path) / "stacks" / "Pulumi.dev.yaml").write_bytes(content)
    with pytest.raises(SettingsError, match="file: is not YAML"):
        read(tmp_path, "dev")


def test_the_environments_are_those_with_a_stack_file(tmp_path: Path) -> None:
    assert environments(project(tmp_path, prod={}, dev={})) == ["dev", "prod"]


def test_secrets_and_other_namespaces_are_no_settings(tmp_path: Path) -> None:
    folder = project(tmp_path, dev={"secrets": {"web": {"key": "x"}}, "domain": "example.org"})
    file = folder / "stacks" / "Pulumi.dev.yaml"
    file.write_text(f"{file.read_text()}  aws:region: eu-central-1\n  1: 2\n")
    assert read(folder, "dev").domain == "example.org"


def test_what_pulumi_hands_over_is_text_and_json(tmp_path: Path) -> None:
    config = {
        "horcrux:domain": "example.org",
        "horcrux:apps": json.dumps({"web": WEB}),
        "horcrux:hosts": '{"workers": 1}',
        "horcrux:secrets": '{"web": {"key": "x"}}',
        "aws:region": "eu-central-1",
    }
    made = from_pulumi(config, project(tmp_path), "dev")
    assert (made.domain, made.hosts.workers, set(made.apps)) == ("example.org", 1, {"web"})


def test_json_that_is_none_is_told_as_what_it_is_not(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as error:
        from_pulumi({"horcrux:apps": "{web"}, project(tmp_path), "dev")
    assert error.value.findings == [("apps", "'{web' is not a mapping")]


def test_what_pulumi_hands_over_may_extend_a_file(tmp_path: Path) -> None:
    folder = project(tmp_path, dev={"apps": {"web": WEB}})
    assert set(from_pulumi({"horcrux:extends": "dev"}, folder, "prod").apps) == {"web"}


# Whatever is given

NAMES = st.sampled_from(["a", "b", "web", "manager-1", "worker-1", "x-1"])
KEYS = st.sampled_from(
    [*Settings.model_fields, "managers", "workers", "memory", "zones", "labels", "ports", "subnet",
     "http", "image", "build", "context", "env", "volumes", "path", "name", "limits", "cpus",
     "bind", "routes", "health", "command", "placement", "host", "port", "secret", "provides",
     "replicas", "web", "a", "Bad Name", "", "level", "reason"]
)  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8),
    st.binary(max_size=3), st.dates(), NAMES,
    st.sampled_from(["1G", "9" * 400, "10.0.0.0/8", "/", "\ud800", "a/b", "..", 3]),
)  # fmt: skip
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | SCALARS, inner, max_size=5),
    max_leaves=25,
)


def errors_of(raw: dict[str, Any]) -> list[tuple[str, str]]:
    """What is wrong with the settings, if anything; any other exception is the test's failure."""
    try:
        parse(raw, "dev")
    except SettingsError as error:
        return error.findings or [("", "refused for no reason")]
    return []


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(KEYS, TREES, max_size=6))
def test_whatever_is_given_is_parsed_or_refused_with_reasons(raw: dict[str, Any]) -> None:
    assert all(path and what for path, what in errors_of(raw))


PORTS = st.integers(1, 65535)
ROUTES = st.lists(st.sampled_from(["/", "/a", "/b/", "www.example.org/"]), max_size=2, unique=True)
HEALTH = st.one_of(
    st.builds(lambda path: {"http": path}, st.sampled_from(["/", "/healthz"])),
    st.builds(lambda words: {"command": words}, st.lists(st.text(), min_size=1, max_size=3)),
)
APPS = st.fixed_dictionaries(
    {"image": st.text(min_size=1, max_size=9), "port": PORTS},
    optional={
        "env": st.dictionaries(st.sampled_from(["A", "B_1"]), st.text() | st.integers()),
        "command": st.lists(st.text()),
        "health": HEALTH,
        "routes": ROUTES,
        "replicas": st.integers(0, 500),
        "limits": st.just({"cpus": 1.25, "memory": "1.5G"}),
        "secrets": st.just({"key": {"generate": 32}, "other": {}}),
        "edge": st.fixed_dictionaries({"rate_limit": st.integers(1, 99)}),
        "user": st.sampled_from(["app", "1:1"]),
        "build": st.just({"context": "web", "args": {"A": 1}}),
    },
)
VALID = st.fixed_dictionaries(
    {},
    optional={
        "domain": st.sampled_from(["example.org", "localhost"]),
        "hosts": st.fixed_dictionaries(
            {"managers": st.sampled_from([1, 3, 5, 7]), "workers": st.integers(0, 43)}
        ),
        "apps": st.dictionaries(st.sampled_from(["web", "db", "a-1"]), APPS),
        "policies": st.just({"no-latest": {"level": "disabled", "reason": 5}}),
    },
)


@settings(max_examples=200, deadline=None)
@given(VALID)
def test_settings_survive_being_written_and_read(raw: dict[str, Any]) -> None:
    assume(not errors_of(raw))
    made = parse(raw, "dev")
    assert parse(json.loads(json.dumps(made.model_dump(mode="json"))), "dev") == made
