"""The sample environment as a newcomer meets it."""

import json
import re
import socket
import ssl
from pathlib import Path

import docker
import pytest
import requests
import testinfra

from tests.support.sandbox import Sandbox, eventually


def test_every_url_of_the_table_answers(cloud: Sandbox) -> None:
    status = cloud.status()
    assert status["problems"] == []
    assert {a["name"] for a in status["apps"]} == {"hello", "db", "wiki", "abrupt"}
    hello = cloud.get("hello").json()
    assert hello["app"] == "hello"
    first = cloud.get("wiki", allow_redirects=False)
    assert first.headers["Location"] == "http://wiki.itest.localhost:18080/wiki/Main_Page"
    page = cloud.get("wiki", "/wiki/Main_Page")
    assert page.status_code == 200
    assert "Horcrux Wiki" in page.text


def test_a_second_update_changes_nothing_and_says_so(cloud: Sandbox) -> None:
    done = cloud.up()
    assert "no changes" in done.stderr


def test_plain_pulumi_finds_nothing_to_change(cloud: Sandbox) -> None:
    cloud.expect_no_changes()


def test_https_is_signed_by_the_environments_own_authority(cloud: Sandbox) -> None:
    ca = json.loads(cloud.horcrux("registry", "credentials", "-s", cloud.name, "--json").stdout)[
        "ca"
    ]
    context = ssl.create_default_context(cadata=ca)
    name = "hello.itest.localhost"
    with (
        socket.create_connection(("127.0.0.1", cloud.ports["https"])) as plain,
        context.wrap_socket(plain, server_hostname=name) as secure,
    ):
        assert secure.version() in ("TLSv1.2", "TLSv1.3")


def test_an_unknown_host_gets_a_404_page(cloud: Sandbox) -> None:
    answer = cloud.get("nobody")
    assert answer.status_code == 404
    assert "No application answers" in answer.text


def test_the_docker_api_refuses_whoever_has_no_certificate(cloud: Sandbox) -> None:
    with pytest.raises((requests.exceptions.SSLError, requests.exceptions.ConnectionError)):
        requests.get(f"https://127.0.0.1:{cloud.ports['api']}/version", verify=False, timeout=5)
    plain = requests.get(f"http://127.0.0.1:{cloud.ports['api']}/version", timeout=5)
    assert plain.status_code == 400
    assert "HTTP request to an HTTPS server" in plain.text


def test_no_secret_is_plain_in_the_state(cloud: Sandbox) -> None:
    credentials = json.loads(
        cloud.horcrux("registry", "credentials", "-s", cloud.name, "--json").stdout
    )
    state = "".join(
        p.read_text() for p in (cloud.folder / ".horcrux" / "state").rglob("*.json") if p.is_file()
    )
    assert credentials["password"] not in state
    assert "PRIVATE KEY" not in state
    password = cloud.horcrux(
        "exec", "wiki", "-s", cloud.name, "--", "cat", "/run/secrets/db-password"
    )
    assert len(password.stdout.strip()) == 32
    assert password.stdout.strip() not in state


def test_every_published_port_is_on_the_loopback_address(
    cloud: Sandbox, engine: docker.DockerClient
) -> None:
    mine = {"label": "horcrux.environment=itest"}
    bindings = [
        binding["HostIp"]
        for container in engine.containers.list(filters=mine)
        for found in container.ports.values()
        for binding in found or []
    ]
    assert bindings
    assert set(bindings) == {"127.0.0.1"}


def test_hosts_hold_what_they_should_and_no_more(cloud: Sandbox) -> None:
    host = testinfra.get_host(f"docker://{cloud.container('manager-1')}")
    assert host.file("/etc/docker/tls/key.pem").mode == 0o600
    assert not host.file("/root/.docker/config.json").exists
    assert host.file("/etc/docker/daemon.json").contains('"tlsverify": true')
    assert "insecure" not in host.file("/etc/docker/daemon.json").content_string
    nodes = cloud.inside(
        "manager-1", "docker", "node", "ls", "--format", "{{.Hostname}} {{.Status}}"
    )
    assert sorted(nodes.split("\n"))[1:] == [f"manager-{n} Ready" for n in (1, 2, 3)]


def test_tasks_run_with_limits_by_digest_and_without_privileges(cloud: Sandbox) -> None:
    names = cloud.inside("manager-1", "docker", "service", "ls", "--format", "{{.Name}}").split()
    for name in names:
        spec = json.loads(cloud.inside("manager-1", "docker", "service", "inspect", name))[0][
            "Spec"
        ]
        task = spec["TaskTemplate"]
        assert "@sha256:" in task["ContainerSpec"]["Image"]
        assert task["Resources"]["Limits"]["MemoryBytes"] > 0
        assert spec["Labels"]["horcrux.environment"] == "itest"
        assert spec["EndpointSpec"]["Mode"] == "dnsrr"


def test_whoever_has_the_credentials_can_push_and_deploy(
    cloud: Sandbox, engine: docker.DockerClient
) -> None:
    credentials = json.loads(
        cloud.horcrux("registry", "credentials", "-s", cloud.name, "--json").stdout
    )
    address = credentials["url"].removeprefix("https://")
    image = next(
        i for i in engine.images.list() for t in i.tags if t.startswith("horcrux-itest/hello:")
    )
    image.tag(f"{address}/mine", "v1")
    account = {k: credentials[k] for k in ("username", "password")}
    told = engine.images.push(f"{address}/mine", "v1", auth_config=account)
    assert "digest: sha256:" in told
    refused = engine.images.push(
        f"{address}/mine", "v1", auth_config={"username": "push", "password": "x"}
    )
    assert re.search("unauthorized|authentication required|no basic auth", refused)
    engine.images.remove(f"{address}/mine:v1", noprune=True)
    catalog = json.loads(cloud.horcrux("registry", "catalog", "-s", cloud.name, "--json").stdout)
    assert [row["tag"] for row in catalog if row["repository"] == "mine"] == ["v1"]


def test_a_route_lives_within_two_seconds_of_its_service(cloud: Sandbox) -> None:
    hello = next(a for a in cloud.status()["apps"] if a["name"] == "hello")
    edge = json.dumps({"port": 8080, "routes": [["by-hand.localhost", "/"]], "check": "/healthz"})
    names = [
        "--name",
        "by-hand",
        "--label",
        "horcrux.app=by-hand",
        "--label",
        f"horcrux.edge={edge}",
    ]
    try:
        cloud.inside(
            "manager-1", "docker", "service", "create", "-d", "-q", *names,
            "--network", "apps", "--endpoint-mode", "dnsrr", "--with-registry-auth", hello["image"],
        )  # fmt: skip

        def answers() -> bool:
            answer = requests.get(
                f"http://127.0.0.1:{cloud.ports['http']}/healthz",
                headers={"Host": "by-hand.localhost"},
                timeout=5,
            )
            return answer.status_code == 200

        eventually(answers, 20, "the service made by hand is served")  # its task must start first
        changed = edge.replace("by-hand.localhost", "renamed.localhost")
        cloud.inside(
            "manager-1",
            "docker",
            "service",
            "update",
            "-d",
            "-q",
            "--label-add",
            f"horcrux.edge={changed}",
            "by-hand",
        )

        def renamed() -> bool:
            answer = requests.get(
                f"http://127.0.0.1:{cloud.ports['http']}/healthz",
                headers={"Host": "renamed.localhost"},
                timeout=5,
            )
            return answer.status_code == 200

        took = eventually(renamed, 10, "the changed route is served")
        assert took < 5, f"a changed route took {took:.1f} s"
    finally:
        cloud.inside("manager-1", "docker", "service", "rm", "by-hand")


def test_logs_and_exec_reach_tasks_on_any_host(cloud: Sandbox) -> None:
    logs = cloud.horcrux("logs", "hello", "-s", cloud.name, "--grep", "listening").stdout
    assert len({line.split("|")[0] for line in logs.splitlines()}) == 2
    done = cloud.horcrux(
        "exec",
        "hello",
        "-s",
        cloud.name,
        "--",
        "sh",
        "-c",
        "echo $HORCRUX_APP; exit 7",
        check=False,
    )
    assert done.stdout == "hello\n"
    assert done.returncode == 7


def test_a_second_folder_cannot_take_a_running_environment(cloud: Sandbox, tmp_path: Path) -> None:
    done = cloud.horcrux("preview", "-s", "dev", check=False)
    assert "error" not in done.stderr or "taken" in done.stderr
    other = cloud.stack_file.with_name("Pulumi.other.yaml")
    other.write_text(cloud.stack_file.read_text())
    try:
        done = cloud.horcrux("up", "-s", "other", "-y", check=False)
    finally:
        other.unlink()
    assert done.returncode != 0
    assert "is taken on this machine" in done.stderr
