"""The environment's registry, as seen from the machine that Pulumi runs on."""

import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import requests

from horcrux.context import Outputs
from horcrux.exits import HorcruxError

ANSWER_SECONDS = 10  # a registry beside us answers in milliseconds
MANIFESTS = ", ".join(
    f"application/vnd.{kind}+json"
    for kind in (
        "oci.image.index.v1",
        "oci.image.manifest.v1",
        "docker.distribution.manifest.list.v2",
        "docker.distribution.manifest.v2",
    )
)


def pinned(outputs: Outputs, image: str) -> str:
    """An image of the environment's registry by digest; any other as it is (the program resolves it).

    Raises HorcruxError when the registry has no such image.
    """
    registry = outputs.values["registry"]
    address = urlsplit(registry["url"]).netloc
    host, _, rest = image.partition("/")
    inside = f"registry.{outputs.project.environment}.internal:5000"
    names = {address, address.replace("127.0.0.1", "localhost"), inside}
    if host not in names or "@" in rest:
        return image
    repository, _, tag = rest.partition(":")
    digest = _digest(registry, repository, tag or "latest")
    if digest is None:
        raise HorcruxError(
            f"{image} is not in the registry; push it first (horcrux registry credentials)"
        )
    return f"{address}/{repository}@{digest}"


def _digest(registry: dict[str, str], repository: str, tag: str) -> str | None:
    with requests.Session() as session, tempfile.TemporaryDirectory() as folder:
        ca = Path(folder, "ca.pem")
        ca.write_text(registry["ca"])
        session.trust_env = False  # or variables of the user's machine would name other CAs
        answer = session.head(
            f"{registry['url']}/v2/{repository}/manifests/{tag}",
            auth=(registry["username"], registry["password"]),
            headers={"Accept": MANIFESTS},
            verify=str(ca),
            timeout=ANSWER_SECONDS,
        )
    if answer.status_code == 404:
        return None
    answer.raise_for_status()
    return answer.headers["Docker-Content-Digest"]
