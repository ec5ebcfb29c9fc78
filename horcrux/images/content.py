"""Manifests and blobs of a registry: read with limits, and pushed when they are small."""

import io
from dataclasses import dataclass

import requests

from horcrux.exits import HorcruxError
from horcrux.images.client import Client
from supply import oci

OCI_MANIFEST, OCI_INDEX = oci.IMAGE_TYPES[0], oci.INDEX_TYPES[0]


@dataclass(frozen=True)
class Content:
    """Bytes of a media type."""

    data: bytes
    kind: str

    @property
    def digest(self) -> str:
        """The digest that registries know it by."""
        return oci.digest_of(self.data)


def manifest(
    client: Client, repository: str, reference: str, seconds: float, most: int
) -> Content | None:
    """A manifest of at most so many bytes, right by its digest when that is the reference.

    None where there is none. Raises HorcruxError.
    """
    found = _read(client, f"/v2/{repository}/manifests/{reference}", seconds, most)
    return _right(client, repository, reference, found) if ":" in reference else found


def referrers(
    client: Client, repository: str, digest: str, seconds: float, most: int
) -> Content | None:
    """The index of what refers to a manifest; None where the place has no such lists. Raises HorcruxError."""
    return _read(client, f"/v2/{repository}/referrers/{digest}", seconds, most)


def blob(client: Client, repository: str, digest: str, seconds: float, most: int) -> bytes | None:
    """A blob of at most so many bytes, right by its digest; None where there is none.

    Raises HorcruxError.
    """
    found = _read(client, f"/v2/{repository}/blobs/{digest}", seconds, most)
    found = _right(client, repository, digest, found)
    return found.data if found else None


def _right(client: Client, repository: str, digest: str, found: Content | None) -> Content | None:
    if found and found.digest != digest:
        raise HorcruxError(
            f"{client.what} at {client.url} answers {digest} of {repository} with other content"
        )
    return found


def _read(client: Client, path: str, seconds: float, most: int) -> Content | None:
    answer = client.ask("GET", path, seconds, stream=True)
    data = client.read(answer, seconds, most)
    if answer.status_code == 404:
        return None
    if answer.status_code != 200:
        answer.raw = io.BytesIO(data)  # where it reads its own words from
        raise client.refusal(answer)
    return Content(data, answer.headers.get("Content-Type", "").partition(";")[0].strip())


def push_blob(client: Client, repository: str, content: bytes, seconds: float) -> None:
    """Bring a small blob, in one part. Raises HorcruxError."""
    digest = Content(content, "").digest
    begun = client.ask("POST", f"/v2/{repository}/blobs/uploads/", seconds)
    if begun.status_code != 202:
        raise client.refusal(begun)
    upload = begun.headers.get("Location", "").removeprefix(client.url)
    if not upload.startswith("/"):
        raise HorcruxError(
            f"{client.what} at {client.url} wants uploads to go elsewhere; see: horcrux doctor"
        )
    mark = "&" if "?" in upload else "?"
    _is_there(client, client.ask("PUT", f"{upload}{mark}digest={digest}", seconds, content))


def push_manifest(
    client: Client, repository: str, tag: str, content: Content, seconds: float
) -> None:
    """Bring a manifest whose blobs are there. Raises HorcruxError."""
    path = f"/v2/{repository}/manifests/{tag}"
    _is_there(client, client.ask("PUT", path, seconds, content.data, content.kind))


def _is_there(client: Client, answer: requests.Response) -> None:
    if answer.status_code != 201:
        raise client.refusal(answer)
