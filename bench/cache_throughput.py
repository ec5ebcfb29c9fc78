"""What the image cache gives a second from its disk, beside plain nginx and CNCF distribution.

All three on this machine, over TLS, one after the other with the same content.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urljoin

import requests

from bench import loopback
from bench.cache_process import TLS_PORT
from bench.environment import Environment
from bench.figures import Figure, ratios
from bench.wrk import Load, load
from tests.support.upstream import Image, image, upstream

CLIENTS = 32
SECONDS, WARM_SECONDS = 5, 1
NAME, REPOSITORY, TAG = "bench.internal", "team/app", "1"
NGINX_PORT, REGISTRY_PORT = 28581, 28582
SIZES = {"small": 64 << 10, "large": 16 << 20}  # bytes of a layer
AT_ONCE = 60  # seconds in which any one request is answered
PATIENCE_SECONDS = 20  # 32 large layers at once take one, on a busy machine more than wrk's two
TITLES = {"cache": "the image cache", "nginx": "plain nginx", "registry": "docker-registry alone"}
AIMS = {("nginx", "large"): "0.9 or better", ("registry", "small"): "1 or better"}
AIMS |= {("registry", "large"): "1 or better"}
REGISTRY = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage:
  cache: {{blobdescriptor: inmemory}}  # as Debian's own configuration has it
  filesystem: {{rootdirectory: "{folder}/registry"}}
http:
  addr: 127.0.0.1:{port}
  tls: {{certificate: "{folder}/tls.pem", key: "{folder}/tls.pem"}}
"""


def measure(environment: Environment, runs: int) -> list[Figure]:
    """The three in turn, so that each ratio is of one run. Needs no environment."""
    environment.say("starting the image cache, nginx and docker-registry on this machine")
    seen: dict[tuple[str, str], list[Load]] = {}
    with tempfile.TemporaryDirectory(prefix="horcrux-bench-") as name:
        folder = Path(name)
        loopback.certify(folder, "127.0.0.1")
        with _started(folder) as urls:
            for of, url in urls.items():
                load(url, "127.0.0.1", WARM_SECONDS, CLIENTS, PATIENCE_SECONDS)
                seen[of] = []
            for _ in range(runs):
                for of, url in urls.items():
                    seen[of].append(load(url, "127.0.0.1", SECONDS, CLIENTS, PATIENCE_SECONDS))
                    last = seen[of][-1]
                    environment.say(f"{' '.join(of)}: {last.rate:,.0f}/s, {last.failed} failed")
    return _figures(seen)


@contextmanager
def _started(folder: Path) -> Iterator[dict[tuple[str, str], str]]:
    """All three with the same content; the URL of each layer by server and size."""
    found = image(*SIZES.values())
    layers = dict(zip(SIZES, list(found.blobs)[: len(SIZES)], strict=True))
    with ExitStack() as stack:
        stack.enter_context(_cache(folder, found))
        files = f"https://127.0.0.1:{NGINX_PORT}"
        server = f"server {{ listen 127.0.0.1:{NGINX_PORT} ssl; root {folder}/data/blobs; }}"
        path = {digest: f"{digest[7:9]}/{digest[7:]}" for digest in layers.values()}
        stack.enter_context(loopback.nginx(folder, server, f"{files}/{path[layers['small']]}"))
        stack.enter_context(_registry(folder, found))
        yield {
            (name, size): url
            for size, digest in layers.items()
            for name, url in {
                "cache": f"{_content(TLS_PORT, f'{NAME}/{REPOSITORY}')}/blobs/{digest}",
                "nginx": f"{files}/{path[digest]}",
                "registry": f"{_content(REGISTRY_PORT, REPOSITORY)}/blobs/{digest}",
            }.items()
        }


@contextmanager
def _cache(folder: Path, found: Image) -> Iterator[None]:
    """The cache, which has all of the image and its upstream at hand."""
    with upstream() as fake:
        fake.put(REPOSITORY, TAG, found)
        told = {NAME: {"url": fake.url, "ttl": 3600}}
        settings = {"upstreams": told, "accounts": {}, "limit": 1 << 30}
        (folder / "cache.json").write_text(json.dumps(settings))
        (folder / "data").mkdir()
        words = [sys.executable, "-m", "bench.cache_process", str(folder)]
        variables = {"HORCRUX_HOST": "bench", "HORCRUX_CACHE_NAME": f"127.0.0.1:{TLS_PORT}"}
        base = _content(TLS_PORT, f"{NAME}/{REPOSITORY}")
        with loopback.running(words, f"https://127.0.0.1:{TLS_PORT}/healthz", folder, variables):
            for path in (f"manifests/{TAG}", *(f"blobs/{digest}" for digest in found.blobs)):
                _asked(folder, "GET", f"{base}/{path}")
            yield


@contextmanager
def _registry(folder: Path, found: Image) -> Iterator[None]:
    file = folder / "registry.yml"
    file.write_text(REGISTRY.format(folder=folder, port=REGISTRY_PORT))
    url = f"https://127.0.0.1:{REGISTRY_PORT}/v2/"
    with loopback.running(["docker-registry", "serve", str(file)], url, folder):
        for digest, data in found.blobs.items():
            begun = _asked(folder, "POST", f"{_content(REGISTRY_PORT, REPOSITORY)}/blobs/uploads/")
            target = urljoin(url, begun.headers["Location"])
            _asked(folder, "PUT", f"{target}&digest={digest}", data)
        yield


def _content(port: int, name: str) -> str:
    return f"https://127.0.0.1:{port}/v2/{name}"


def _asked(folder: Path, method: str, url: str, data: bytes = b"") -> requests.Response:
    trusted = str(folder / "ca.pem")
    answer = requests.request(method, url, data=data, verify=trusted, timeout=AT_ONCE)
    answer.raise_for_status()
    return answer


def _figures(seen: dict[tuple[str, str], list[Load]]) -> list[Figure]:
    rates = {of: tuple(one.rate for one in loads) for of, loads in seen.items()}
    figures = []
    for (name, size), loads in seen.items():
        shown = f"{SIZES[size] >> 10:,} kB"
        note = f"wrk, {CLIENTS} kept connections, {SECONDS} s, TLS, on loopback, wrk beside them"
        details = {
            "99th percentile (ms)": [round(one.p99_ms, 2) for one in loads],
            "failed": [one.failed for one in loads],
            "MB/s": [round(one.rate * SIZES[size] / 1e6) for one in loads],
        }
        title = f"layers of {shown} from {TITLES[name]}"
        rate = rates[name, size]
        figures.append(
            Figure(f"layers_{name}_{size}", title, "requests/s", rate, "", note, details)
        )
        if name != "cache":
            title = f"layers of {shown}: the image cache by {TITLES[name]}"
            found = ratios(rates["cache", size], rate)
            aim, note = AIMS.get((name, size), ""), "each of two measurements of one run"
            figures.append(Figure(f"cache_to_{name}_{size}", title, "ratio", found, aim, note))
    return figures
