"""Clients that pull an image as hosts' engines do, where so many hosts do not fit on this machine."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

AT_ONCE = 3  # layers that an engine pulls at the same time, unless told otherwise
PIECE = 1 << 20  # bytes
ANSWER_SECONDS = 900.0  # a layer of 50 MB at 20 Mbit/s shared by four takes 84


def pull(url: str, ca: Path, repository: str, tag: str, hosts: int) -> float:
    """Seconds until all of them have the whole image. Raises RuntimeError when one has not.

    `url`: of the registry or cache; it gives the image to anybody.
    """
    failures: list[str] = []

    def one(number: int) -> None:
        try:
            _pull(url, ca, repository, tag)
        except (requests.RequestException, OSError, LookupError, ValueError) as error:
            failures.append(f"host {number}: {error}")

    began = time.monotonic()
    threads = [threading.Thread(target=one, args=[number]) for number in range(hosts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise RuntimeError("; ".join(failures))
    return time.monotonic() - began


def _pull(url: str, ca: Path, repository: str, tag: str) -> None:
    with requests.Session() as session:
        session.trust_env, session.verify = False, str(ca)
        token = session.get(
            f"{url}/token", params={"scope": f"repository:{repository}:pull"}, timeout=60
        ).json()["token"]
        session.headers["Authorization"] = f"Bearer {token}"
        base = f"{url}/v2/{repository}"
        manifest = session.get(f"{base}/manifests/{tag}", timeout=60)
        manifest.raise_for_status()
        layers = [manifest.json()["config"], *manifest.json()["layers"]]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for _ in pool.map(lambda layer: _layer(session, base, layer), layers):
                pass


def _layer(session: requests.Session, base: str, layer: dict[str, object]) -> None:
    with session.get(
        f"{base}/blobs/{layer['digest']}", stream=True, timeout=ANSWER_SECONDS
    ) as answer:
        answer.raise_for_status()
        size = sum(len(piece) for piece in answer.iter_content(PIECE))
    if size != layer["size"]:
        raise ValueError(f"{layer['digest']}: {size} bytes came, and {layer['size']} should have")
