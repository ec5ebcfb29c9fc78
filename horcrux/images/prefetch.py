"""Pulling an image on many hosts at once, through each one's own engine.

Called by the command and before a release starts: it draws nothing and raises nothing, but tells of
every host how far it is, and in the end why it failed.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import docker
from docker.auth import encode_header

from horcrux.cluster.services import registry_account
from horcrux.docker_api import Access, connect
from horcrux.images.hosts import AT_ONCE, FAILURES, why
from horcrux.images.names import split
from horcrux.images.pulling import Layers, Pull

# A host's whole pull: 1 GB at 2 MB/s takes 500 s. A release does not wait longer for one host, whose
# tasks then pull for themselves.
PULL_SECONDS = 600
# Without a word from an engine: the cache may wait 30 s for a registry that asks it to, and tries four times.
QUIET_SECONDS = 120
CONNECT_SECONDS = 5  # the front door answers at once, or it is not there
FULL = "no space left on device"
Tell = Callable[[str, Pull], None]


def pull_on_hosts(
    access: Access,
    hosts: Iterable[str],
    image: str,
    auth: Mapping[str, str],
    tell: Tell = lambda *_: None,
) -> dict[str, str | None]:
    """Pull `image` on all `hosts`; why each one failed, None where it has the image now.

    `auth`: server_address, username and password, or empty. `tell` is called from several threads, and
    once more for each host when that is over.
    """
    names = list(dict.fromkeys(hosts))
    if not names:
        return {}

    def one(host: str) -> str | None:
        began = time.monotonic()
        layers = Layers()
        try:
            _pull(access, host, image, auth, layers, lambda pull: tell(host, pull))
        except FAILURES as error:
            layers.error = _reason(error)
        if layers.error and FULL in layers.error:
            layers.error += "; make room there: horcrux images prune"
        tell(host, layers.pull(time.monotonic() - began, over=True))
        return layers.error

    with ThreadPoolExecutor(min(AT_ONCE, len(names))) as pool:
        return dict(zip(names, pool.map(one, names), strict=True))


def _pull(
    access: Access,
    host: str,
    image: str,
    auth: Mapping[str, str],
    layers: Layers,
    tell: Callable[[Pull], None],
) -> None:
    """One host's pull. Raises what docker-py and requests raise; what the engine says is in `layers`."""
    began = time.monotonic()
    client = connect(access, host)
    try:
        with closing(_asked(client, image, auth)) as response:
            for line in _lines(response):
                layers.note(line)
                seconds = time.monotonic() - began
                if layers.error:
                    return
                if seconds > PULL_SECONDS:
                    layers.error = (
                        f"it was not there within {PULL_SECONDS} s; see: horcrux images stats"
                    )
                    return
                tell(layers.pull(seconds))
        repository, version = split(image)
        client.inspect_image(f"{repository}{'@' if ':' in version else ':'}{version}")
    finally:
        client.close()


def _asked(client: docker.APIClient, image: str, auth: Mapping[str, str]) -> Any:
    """The engine's answer, which lasts as long as the pull."""
    repository, version = split(image)
    account = registry_account(dict(auth))
    response = client._post(
        client._url("/images/create"),
        params={"fromImage": repository, "tag": version},
        headers={"X-Registry-Auth": encode_header(account)} if account else None,
        stream=True,
        timeout=(CONNECT_SECONDS, QUIET_SECONDS),
    )
    client._raise_for_status(response)
    return response


def _lines(response: Any) -> Iterator[dict[str, Any]]:
    for line in response.iter_lines():
        if line.strip():
            yield json.loads(line)


def _reason(error: Exception) -> str:
    text = why(error)
    if "timed out" in text.lower():
        return f"its engine said nothing for {QUIET_SECONDS} s; see: horcrux images stats"
    return text
