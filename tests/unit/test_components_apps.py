"""Apps: when a release is another one, what tasks are given, and in which order they come."""

from pathlib import Path
from typing import Any

import pytest

from components.app_spec import binding, release_of, secret_files
from horcrux.settings import SettingsError, parse
from tests.support.recording import LOCAL_IMAGE, PROJECT, Stack, build

HEALTH = {"http": "/healthz"}
WEB: dict[str, Any] = {"image": "local:1", "port": 8080, "routes": ["/"], "health": HEALTH}
DB: dict[str, Any] = {
    "image": "local:1",
    "port": 3306,
    "secrets": {"password": {"generate": 32}},
    "provides": {
        "scheme": "mysql",
        "username": "blog",
        "database": "posts",
        "secret": "password",
    },
    "volumes": [{"name": "db", "path": "/data"}],
}


def only(app: dict[str, Any], **others: Any) -> Stack:
    apps = {"web": app, **others}
    return build({"apps": apps, "hosts": {"managers": 1}, "monitoring": {"enabled": False}})


def release(**changes: Any) -> str:
    raw = {"apps": {"web": {**WEB, **changes}}, "hosts": {"labels": {"manager-1": {"a": "b"}}}}
    apps = parse(raw, "dev").apps
    identity = f"image-{LOCAL_IMAGE.removeprefix('sha256:')[:16]}"
    return release_of("web", apps["web"], apps, identity, [])


def test_an_app_s_service_is_named_by_its_release() -> None:
    service = only(WEB).release("web")
    name = service.inputs["name"]
    assert name == service.name == f"web-{release()}"
    assert service.labels["horcrux.release"] == release()


@pytest.mark.parametrize(
    "change",
    [
        {"env": {"MODE": "test"}},
        {"command": ["serve"]},
        {"entrypoint": ["/bin/x"]},
        {"user": "nobody"},
        {"read_only": True},
        {"stop_grace": 20},
        {"health": {"http": "/other"}},
        {"limits": {"cpus": 0.5, "memory": "64M"}},
        {"placement": {"labels": {"a": "b"}}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_tasks_are_made_of_makes_another_release(change: dict[str, Any]) -> None:
    assert release(**change) != release()


@pytest.mark.parametrize(
    "change",
    [
        {"replicas": 7},
        {"routes": ["/", "/shop"]},
        {"edge": {"rate_limit": 5}},
        {"surge": "50%"},
        {"keep": 1},
        {"strategy": "canary"},
        {"start_timeout": 9},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_is_around_tasks_makes_no_other_release(change: dict[str, Any]) -> None:
    assert release(**change) == release()


def test_another_image_or_secret_makes_another_release() -> None:
    apps = parse({"apps": {"web": WEB}}, "dev").apps
    names = {
        release_of("web", apps["web"], apps, image, secrets)
        for image in ("a", "b")
        for secrets in ([], ["v1"], ["v2"])
    }
    assert len(names) == 6


def test_other_replicas_and_routes_keep_the_service() -> None:
    before, after = only(WEB), only({**WEB, "replicas": 4, "routes": ["/", "/shop"]})
    assert before.release("web").urn == after.release("web").urn
    rollouts = [stack.one("Rollout", "web").inputs for stack in (before, after)]
    assert [r["replicas"] for r in rollouts] == [1, 4]
    assert rollouts[0]["labels"] != rollouts[1]["labels"]


def test_a_new_release_is_made_without_tasks_for_its_rollout_to_start() -> None:
    assert only({**WEB, "replicas": 4}).release("web").inputs["mode"] == {
        "replicated": {"replicas": 0}
    }


def test_a_pinned_image_of_the_registry_is_the_release_that_it_was() -> None:
    first = only(WEB).release("web")
    tag = f"image-{LOCAL_IMAGE.removeprefix('sha256:')[:16]}"
    pinned = f"registry.dev.internal:5000/web:{tag}@sha256:{'0' * 64}"
    assert only({**WEB, "image": pinned}).release("web").name == first.name


def test_a_task_that_may_be_taken_away_is_told_for_how_long_to_finish() -> None:
    stack = only({**WEB, "drain": 20, "stop_grace": 5}, db=DB)
    web, db = (stack.release(n).inputs["taskSpec"]["containerSpec"] for n in ("web", "db"))
    assert (web["env"]["HORCRUX_DRAIN"], web["env"]["HORCRUX_DRAIN_PORT"]) == ("20", "8080")
    assert web["stopGracePeriod"] == "25s"
    assert "HORCRUX_DRAIN" not in db["env"]


def test_an_app_with_a_volume_keeps_its_service_and_is_stopped_first() -> None:
    before = only(WEB, db=DB).release("db")
    after = only(WEB, db={**DB, "env": {"MODE": "test"}}).release("db")
    assert before.inputs["name"] == after.inputs["name"] == "db"
    assert before.urn == after.urn
    assert before.labels["horcrux.release"] != after.labels["horcrux.release"]
    assert after.inputs["updateConfig"]["order"] == "stop-first"
    assert after.inputs["taskSpec"]["placement"]["constraints"] == ["node.hostname==manager-1"]


def test_a_volume_is_called_what_the_settings_call_it() -> None:
    (mount,) = only(WEB, db=DB).release("db").inputs["taskSpec"]["containerSpec"]["mounts"]
    assert (mount["type"], mount["source"], mount["target"]) == ("volume", "db", "/data")


def test_binding_tells_where_the_other_is_and_gives_its_credential() -> None:
    stack = only({**WEB, "bind": ["db"]}, db=DB)
    container = stack.release("web").inputs["taskSpec"]["containerSpec"]
    assert (
        container["env"] | binding("db", parse({"apps": {"db": DB}}, "dev").apps["db"])
        == (container["env"])
    )
    assert container["env"]["DB_HOST"] == "db"
    assert container["env"]["DB_URL"] == "mysql://blog@db:3306/posts"
    assert container["env"]["DB_PASSWORD_FILE"] == "/run/secrets/db-password"
    (file,) = container["secrets"]
    (secret,) = (s for s in stack.of("Secret") if s.name.startswith("db-password"))
    assert file["fileName"] == "db-password"
    assert file["secretName"] == secret.inputs["name"]


def test_an_app_is_told_its_own_secret_as_a_file() -> None:
    (file,) = only(WEB, db=DB).release("db").inputs["taskSpec"]["containerSpec"]["secrets"]
    assert file["fileName"] == "password"


def test_only_what_is_provided_is_told() -> None:
    raw = {"apps": {"my-db": {"image": "a", "port": 5}, "web": {**WEB, "bind": ["my-db"]}}}
    apps = parse(raw, "dev").apps
    assert binding("my-db", apps["my-db"]) == {
        "MY_DB_HOST": "my-db",
        "MY_DB_PORT": "5",
        "MY_DB_URL": "tcp://my-db:5",
    }
    assert secret_files("web", apps["web"], apps) == []


def test_bound_apps_are_rolled_out_first() -> None:
    stack = only({**WEB, "bind": ["db"]}, db=DB)
    web, db = stack.one("Rollout", "web"), stack.one("Rollout", "db")
    assert db.urn in web.dependencies
    assert web.urn not in db.dependencies


def test_a_rollout_follows_its_service_and_the_edge() -> None:
    stack = only(WEB)
    assert stack.release("web").urn in stack.one("Rollout", "web").dependencies
    assert stack.one("Service", "edge").urn in stack.release("web").dependencies


def test_an_app_finds_another_by_its_name() -> None:
    (network,) = only(WEB).release("web").inputs["taskSpec"]["networksAdvanceds"]
    assert network == {"id": "apps-id", "aliases": ["web"]}


def test_only_apps_with_routes_are_told_to_the_edge() -> None:
    stack = only(WEB, db=DB)
    assert "horcrux.edge" in stack.release("web").labels
    assert "horcrux.edge" not in stack.release("db").labels
    assert stack.one("Rollout", "db").inputs["routed"] is False


def test_an_image_of_a_registry_is_taken_by_its_digest() -> None:
    stack = only({**WEB, "image": "example.org/known:1"})
    image = stack.release("web").inputs["taskSpec"]["containerSpec"]["image"]
    assert image == f"example.org/known:1@sha256:{'cd' * 32}"


@pytest.mark.parametrize(
    ("written", "pulled", "account"),
    [
        ("quay.io/a/b:1", "cache.dev.internal:5443/quay.io/a/b:1", "cache.dev.internal:5443"),
        ("nginx", "nginx", None),
        ("example.org/a/b", "example.org/a/b", None),
        ("localhost:8500/web", "registry.dev.internal:5000/web", "registry.dev.internal:5000"),
    ],
)
def test_an_image_is_pulled_from_where_it_is_best_had_and_an_account_shown_to_nobody_else(
    written: str, pulled: str, account: str | None
) -> None:
    digest = f"@sha256:{'cd' * 32}"
    service = only({**WEB, "image": written + digest}).release("web")
    assert service.inputs["taskSpec"]["containerSpec"]["image"] == pulled + digest
    assert service.inputs.get("auth", {}).get("serverAddress") == account


def test_an_image_of_this_machine_is_pushed() -> None:
    stack = only(WEB)
    assert stack.one("PushedImage", "pushed-web").inputs["image"]["tag"] == "local:1"
    image = stack.release("web").inputs["taskSpec"]["containerSpec"]["image"]
    assert image == "pushed-web.reference"


def test_an_image_of_the_environment_s_registry_is_pulled_by_its_inner_name() -> None:
    stack = only({**WEB, "image": "localhost:8500/team/web:1"})
    image = stack.release("web").inputs["taskSpec"]["containerSpec"]["image"]
    assert image == "registry.dev.internal:5000/team/web:1"


def test_a_secret_without_a_value_is_an_error_with_the_remedy() -> None:
    with pytest.raises(SettingsError) as error:
        only({**WEB, "secrets": {"token": {}}})
    assert error.value.findings == [
        ("apps.web.secrets.token", "has no value; set it: horcrux secrets set web token")
    ]


def test_another_value_of_a_secret_is_another_secret_and_release() -> None:
    raw = {"apps": {"web": {**WEB, "secrets": {"token": {}}}}}
    one, two = (build(raw, secrets={"web": {"token": value}}) for value in ("1", "2"))
    assert one.release("web").inputs["name"] != two.release("web").inputs["name"]
    names = [s.inputs["name"] for x in (one, two) for s in x.of("Secret") if "token" in s.name]
    assert len(set(names)) == 2


def test_a_folder_without_dockerfile_is_an_error_that_names_it() -> None:
    with pytest.raises(SettingsError, match=r"nowhere/Dockerfile is not there"):
        only({**{k: v for k, v in WEB.items() if k != "image"}, "build": {"context": "nowhere"}})


def test_a_certificate_of_one_s_own_needs_its_file_and_key(tmp_path: Path) -> None:
    tls = {"certificate": "certs/none.pem", "key": "tls"}
    with pytest.raises(SettingsError) as error:
        build({"edge": {"tls": tls}}, project=PROJECT)
    assert [path for path, _ in error.value.findings] == ["edge.tls.certificate", "edge.tls.key"]
