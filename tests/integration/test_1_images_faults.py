"""What happens to images when something goes wrong around them, on a real environment."""

import json

from tests.support.pulled import HOSTS, docker, forget, offered, pull, pull_on_all
from tests.support.sandbox import Sandbox, eventually
from tests.support.upstream import FakeUpstream

CACHE_FOLDER = "/var/lib/docker/volumes/horcrux-cache/_data"
SETTLED_SECONDS = 120


def test_a_tag_that_moves_changes_nothing_of_what_was_resolved(
    cloud: Sandbox, images: FakeUpstream
) -> None:
    """A deploy resolves the tag, then every host pulls: the same image, and whole."""
    first = offered(images, "team/moving:1", 600_000, 40_000)
    done = cloud.horcrux("images", "resolve", "up.test/team/moving:1", "-s", cloud.name, "--json")
    pulled = json.loads(done.stdout)["pulled"]
    assert pulled.endswith(first.digest)
    pull(cloud, "manager-1", pulled)
    second = offered(images, "team/moving:2", 500_000)
    images.put("team/moving", "1", second)
    for host in HOSTS:
        pull(cloud, host, pulled)

    def moved() -> bool:
        again = cloud.horcrux("images", "resolve", "up.test/team/moving:1", "-s", "itest", "--json")
        return bool(json.loads(again.stdout)["digest"] == second.digest)

    eventually(moved, SETTLED_SECONDS, "the tag's new meaning is told when its ttl is over")


def test_hosts_pull_through_a_cache_whose_disk_is_full(
    cloud: Sandbox, images: FakeUpstream
) -> None:
    """The limit of the settings is beyond it: the disk itself says no."""
    offered(images, "library/large:1", 20 << 20, 3 << 20)
    try:
        for host in HOSTS:
            cloud.inside(host, "mount", "-t", "tmpfs", "-o", "size=8m,mode=1777", "t", CACHE_FOLDER)
            restart_cache(cloud, host)
        answering(cloud)
        pull_on_all(cloud, "large:1")
        forget(cloud, "large:1")
        # There is room for one: that is kept, and the other passed on once more.
        offered(images, "library/fits:1", 1 << 20)
        pull_on_all(cloud, "fits:1")
        images.gone = True
        forget(cloud, "fits:1")
        pull_on_all(cloud, "fits:1")
    finally:
        for host in HOSTS:
            cloud.inside(host, "umount", "-l", CACHE_FOLDER)
            restart_cache(cloud, host)
        answering(cloud)


def test_a_registry_password_that_changes_replaces_no_host_and_stops_no_task(
    cloud: Sandbox,
) -> None:
    """Every service is given the new one, so that a task can go to a host that lacks its image."""
    boots = [started(cloud, host) for host in HOSTS]
    resources = json.loads(cloud.pulumi("stack", "export"))["deployment"]["resources"]
    urn = next(r["urn"] for r in resources if r["urn"].endswith("::registry-pull"))
    cloud.pulumi("up", "--yes", "--skip-preview", "--replace", urn)
    assert [started(cloud, host) for host in HOSTS] == boots
    cloud.expect_no_changes()

    service, image = serving(cloud, "hello")
    there = tasks(cloud, service)
    (other,) = set(HOSTS) - there
    docker(cloud, other, "rmi", "-f", image)
    assert docker(cloud, other, "image", "inspect", image).returncode != 0
    left = sorted(there)[0]
    try:
        cloud.inside("manager-1", "docker", "node", "update", "--availability", "drain", left)
        eventually(lambda: other in tasks(cloud, service), SETTLED_SECONDS, "a task moves there")
    finally:
        cloud.inside("manager-1", "docker", "node", "update", "--availability", "active", left)
    assert docker(cloud, other, "image", "inspect", image).returncode == 0
    eventually(lambda: cloud.status()["problems"] == [], SETTLED_SECONDS, "all is well again")


def serving(cloud: Sandbox, app: str) -> tuple[str, str]:
    """The service that an app's tasks run in, and its image."""
    told = ("docker", "service", "ls", "--filter", f"label=horcrux.app={app}")
    lines = cloud.inside("manager-1", *told, "--format", "{{.Name}} {{.Replicas}}").splitlines()
    name = next(line.split()[0] for line in lines if not line.split()[1].startswith("0/"))
    shown = "{{.Spec.TaskTemplate.ContainerSpec.Image}}"
    image = cloud.inside("manager-1", "docker", "service", "inspect", name, "--format", shown)
    return name, image.strip()


def tasks(cloud: Sandbox, service: str) -> set[str]:
    """The hosts on which tasks of a service run now."""
    words = ("docker", "service", "ps", service, "--format", "{{.Node}} {{.CurrentState}}")
    lines = cloud.inside("manager-1", *words).splitlines()
    return {line.split()[0] for line in lines if line.split()[1] == "Running"}


def started(cloud: Sandbox, host: str) -> str:
    """When a host was started; a new one has another moment."""
    return cloud.inside(host, "stat", "-c", "%Y", "/proc/1")


def restart_cache(cloud: Sandbox, host: str) -> None:
    cloud.inside(host, "sh", "-c", "docker ps -qf name=horcrux-cache | xargs -r docker kill")


def answering(cloud: Sandbox) -> None:
    """Wait for the cache on every manager."""
    ask = "import urllib.request as u; u.urlopen('http://127.0.0.1:5081/healthz', timeout=2)"
    inside = f'docker exec $(docker ps -qf name=horcrux-cache) python3 -c "{ask}" && echo yes'

    def all_answer() -> bool:
        return all("yes" in cloud.inside(host, "sh", "-c", f"{inside} || true") for host in HOSTS)

    eventually(all_answer, SETTLED_SECONDS, "the cache answers on every manager")
