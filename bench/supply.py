"""An image that hosts pull at once, through the cache, from a registry behind a slow line."""

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from docker.errors import APIError, ImageNotFound

from bench import loopback, simulated_hosts
from bench.environment import NAME, Environment
from bench.figures import Figure, ratios
from bench.rivals import archive
from horcrux.context import Outputs
from horcrux.docker_api import connect, machine
from tests.support.upstream import FakeUpstream, Image, image, upstream

UPSTREAM, REPOSITORY = "bench.internal", "team/app"
PORT, TLS_PORT = 28082, 28083  # the cache asks the one, hosts that pull without it the other
RATE = 20e6 / 8  # bytes a second: 20 Mbit/s, all transfers together
LAYERS = (50 << 20,) * 4
HOSTS = ("manager-1", "manager-2", "manager-3")
MORE = 10  # simulated hosts
CERTIFICATES = "/etc/docker/certs.d"
PULL_SECONDS = 900.0  # it takes 85


def measure(environment: Environment, runs: int) -> list[Figure]:
    """One host without the cache, three through it that has nothing, and three once it has all.

    Then ten simulated hosts: the cache has nothing of another image, then all of it.
    """
    environment.ensure_up()
    outputs = environment.outputs()
    gateway = environment.project.settings().local.subnet.rpartition(".")[0] + ".1"
    seen, many = [], []
    with _door(gateway):
        for number in range(runs):
            environment.say("making an image that nobody has")
            made = image(*LAYERS, seed=time.time_ns())
            with upstream(gateway, PORT) as fake:
                fake.limit_rate = RATE
                fake.put(REPOSITORY, f"run-{number}", made)
                seen.append(_run(environment, outputs, fake, made, gateway, f"run-{number}"))
                many.append(_many(environment, outputs, fake, f"many-{number}"))
    return [*_figures(seen), *_figures_of_many(many)]


@dataclass(frozen=True)
class _Seen:
    direct: float  # seconds
    cold: float
    warm: float
    cold_bytes: float  # what the registry sent, by the image's size
    warm_bytes: float


def _run(
    environment: Environment,
    outputs: Outputs,
    fake: FakeUpstream,
    made: Image,
    gateway: str,
    tag: str,
) -> _Seen:
    say = environment.say
    cached = f"{outputs.values['cache']['name']}/{UPSTREAM}/{REPOSITORY}"
    say("one host pulls without the cache")
    direct, _ = _pulled(outputs, fake, HOSTS[:1], f"{gateway}:{TLS_PORT}/{REPOSITORY}", tag)
    say("three hosts pull through the cache, which has nothing of it")
    cold, cold_bytes = _pulled(outputs, fake, HOSTS, cached, tag)
    say("three hosts pull through the cache, which has all of it")
    warm, warm_bytes = _pulled(outputs, fake, HOSTS, cached, tag)
    say(f"{direct:.1f} s, {cold:.1f} s, {warm:.1f} s; {cold_bytes / made.size:.2f} images sent")
    return _Seen(direct, cold, warm, cold_bytes / made.size, warm_bytes / made.size)


@dataclass(frozen=True)
class _Many:
    cold: float  # seconds
    warm: float
    sent: float  # by the image's size, all in all


def _many(environment: Environment, outputs: Outputs, fake: FakeUpstream, tag: str) -> _Many:
    """What as many hosts as do not fit here would do, after another image nobody has."""
    made = image(*LAYERS, seed=time.time_ns())
    fake.put(REPOSITORY, tag, made)
    before, cache = fake.bytes_sent, outputs.values["cache"]
    repository = f"{UPSTREAM}/{REPOSITORY}"
    with tempfile.TemporaryDirectory(prefix="horcrux-bench-") as name:
        ca = Path(name, "ca.pem")
        ca.write_text(cache["ca"])
        seconds = []
        for state in ("nothing", "all"):
            environment.say(f"{MORE} simulated hosts pull through the cache, which has {state}")
            seconds.append(simulated_hosts.pull(cache["url"], ca, repository, tag, MORE))
    return _Many(seconds[0], seconds[1], (fake.bytes_sent - before) / made.size)


def _pulled(
    outputs: Outputs, fake: FakeUpstream, hosts: tuple[str, ...], repository: str, tag: str
) -> tuple[float, int]:
    """Seconds until all hosts have it, and bytes that the registry sent; then no host has it any more."""
    before, began = fake.bytes_sent, time.monotonic()
    try:
        _at_once(hosts, lambda host: _pull(outputs, host, repository, tag))
        return time.monotonic() - began, fake.bytes_sent - before
    finally:
        _at_once(hosts, lambda host: _remove(outputs, host, f"{repository}:{tag}"))


def _at_once(hosts: tuple[str, ...], act: Callable[[str], None]) -> None:
    """The same on all hosts. Raises RuntimeError when one failed."""
    failures: list[str] = []

    def one(host: str) -> None:
        try:
            act(host)
        except (APIError, OSError, RuntimeError) as error:
            failures.append(f"{host}: {error}")

    threads = [threading.Thread(target=one, args=[host], daemon=True) for host in hosts]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + PULL_SECONDS
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    if any(thread.is_alive() for thread in threads):
        failures.append(f"not within {PULL_SECONDS:.0f} s")
    if failures:
        raise RuntimeError("; ".join(failures))


def _pull(outputs: Outputs, host: str, repository: str, tag: str) -> None:
    for event in connect(outputs.access, host).pull(repository, tag, stream=True, decode=True):
        if "error" in event:
            raise RuntimeError(event["error"])


def _remove(outputs: Outputs, host: str, name: str) -> None:
    with suppress(ImageNotFound):  # its pull failed, which is told already
        connect(outputs.access, host).remove_image(name, force=True)


@contextmanager
def _door(gateway: str) -> Iterator[None]:
    """TLS before the registry: engines do not pull without it. The hosts trust it until they restart."""
    with tempfile.TemporaryDirectory(prefix="horcrux-bench-") as name:
        folder = Path(name)
        loopback.certify(folder, gateway)
        target = f"proxy_pass http://{gateway}:{PORT}; proxy_buffering off; proxy_http_version 1.1;"
        passed = f"location / {{ {target} proxy_set_header Host $http_host; }}"
        well = "location = /healthz { return 200; }"
        server = f"server {{ listen {gateway}:{TLS_PORT} ssl; {well} {passed} }}"
        with machine() as engine:
            for host in HOSTS:
                trusted = archive(f"{gateway}:{TLS_PORT}/ca.crt", folder / "ca.pem")
                found = engine.containers.get(f"horcrux-{NAME}-{host}")
                found.put_archive(CERTIFICATES, trusted)
        with loopback.nginx(folder, server, f"https://{gateway}:{TLS_PORT}/healthz"):
            yield


def _figures(seen: list[_Seen]) -> list[Figure]:
    size = sum(LAYERS) >> 20
    note = f"an image of {size} MB in {len(LAYERS)} layers; the registry sends 20 Mbit/s in all"
    direct, cold = tuple(one.direct for one in seen), tuple(one.cold for one in seen)
    warm = tuple(one.warm for one in seen)
    sent = tuple(one.cold_bytes for one in seen)
    again = tuple(one.warm_bytes for one in seen)
    three = "three hosts at once through the cache"
    return [
        Figure("supply_direct", "one host, straight from the registry", "s", direct, "", note),
        Figure("supply_cold", f"{three}, which has nothing", "s", cold, "", note),
        Figure("supply_warm", f"{three}, which has all", "s", warm, "", note),
        Figure("supply_sent", f"{three}: sent by the registry, by the image's size", "ratio",
               sent, "1.02 or less", note),
        Figure("supply_sent_again", f"{three}, once more: sent by the registry, by the image's size",
               "ratio", again, "0.01 or less", note),
        Figure("supply_cold_to_direct", f"{three}, by one host straight", "ratio",
               ratios(cold, direct), "1.15 or less", note),
        Figure("supply_warm_to_cold", f"{three}: which has all, by nothing", "ratio",
               ratios(warm, cold), "0.067 or less", note),
    ]  # fmt: skip


def _figures_of_many(many: list[_Many]) -> list[Figure]:
    size = sum(LAYERS) >> 20
    note = (
        f"an image of {size} MB; the clients run on this machine too, and throw away what they get"
    )
    cold, warm = tuple(one.cold for one in many), tuple(one.warm for one in many)
    rate = tuple(MORE * sum(LAYERS) / 1e6 / one.warm for one in many)
    hosts = f"{MORE} simulated hosts at once through the cache"
    return [
        Figure("supply_many_cold", f"{hosts}, which has nothing", "s", cold, "", note),
        Figure("supply_many_warm", f"{hosts}, which has all", "s", warm, "", note),
        Figure("supply_many_rate", f"{hosts}, which has all: together", "MB/s", rate, "", note),
        Figure("supply_many_sent", f"{hosts}: sent by the registry, by the image's size", "ratio",
               tuple(one.sent for one in many), "1.02 or less", note),
    ]  # fmt: skip
