"""Earlier releases that are kept without tasks, and what goes when they are not kept any more."""

from collections.abc import Collection, Sequence
from typing import Any

import docker
from docker.errors import APIError, DockerException
from requests.exceptions import RequestException

from horcrux.cluster import services
from horcrux.docker_api import Access, connect
from horcrux.images.names import split


def clear(
    client: docker.APIClient,
    access: Access,
    environment: str,
    app: str,
    current: str,
    parked: Sequence[str],
) -> list[str]:
    """Leave the app `current` and, without tasks, `parked` (services' names); which of these there are.

    Its other services go, with secrets that none uses and images that no service of the cluster names.
    """
    found = services.of_app(client, environment, app)
    gone = found.keys() - {current, *parked}
    for name in gone:
        client.remove_service(name)
    there = [name for name in parked if name in found]
    for name in there:
        services.scale(client, name, 0)
    remove_secrets(client, environment, app)
    if gone:
        images = {_image(found[name]) for name in gone}
        _prune(client, access, images, {_image(s) for s in client.services()})
    return there


def remove_secrets(client: docker.APIClient, environment: str, app: str) -> None:
    """Remove the app's secrets that no service uses: the Swarm refuses to remove others."""
    filters = {"label": [f"horcrux.environment={environment}", f"horcrux.app={app}"]}
    for secret in client.secrets(filters):
        try:
            client.remove_secret(secret["ID"])
        except APIError as error:
            if "in use" not in str(error.explanation):
                raise


def _image(service: dict[str, Any]) -> str:
    return str(service["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"])


def _prune(
    client: docker.APIClient, access: Access, gone: Collection[str], kept: Collection[str]
) -> None:
    """Remove images on every host that answers; one that does not is cleared next time."""
    repositories = {split(image)[0] for image in gone}
    digests = {image.partition("@")[2] for image in kept}
    for node in client.nodes():
        if node["Status"]["State"] != "ready":
            continue
        try:
            engine = connect(access, node["Description"]["Hostname"])
            for image in engine.images():
                for name in image.get("RepoDigests") or ():
                    repository, _, digest = name.partition("@")
                    if repository in repositories and digest not in digests:
                        _remove_image(engine, name)
        except (DockerException, RequestException):
            continue


def _remove_image(engine: docker.APIClient, name: str) -> None:
    try:
        engine.remove_image(name)
    except APIError:
        return  # a container that has ended still holds it
