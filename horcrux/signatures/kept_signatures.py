"""What is kept beside an image as its signatures, read from a registry or a cache within limits."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from horcrux.exits import HorcruxError
from horcrux.images import content
from horcrux.images.client import Client
from horcrux.images.content import Content
from horcrux.images.failures import UnansweredError
from horcrux.signatures import signature_bundle
from horcrux.signatures import signature_manifest as manifests
from horcrux.signatures.signature_manifest import ENTRIES, MANIFEST_BYTES, PAYLOAD_BYTES
from horcrux.signatures.signing import Signature

# The cache waits for a registry for up to 60 s; all of a check takes no longer than two such waits.
REQUEST_SECONDS, TOTAL_SECONDS = 60.0, 120.0


@dataclass(frozen=True)
class Kept:
    """`layers`: those of cosign's manifest, as they are; `signatures`: what is in them, or in bundles.

    `unreadable`: what is wrong with those that hold no signature.
    """

    layers: tuple[Any, ...] = ()
    signatures: tuple[Signature, ...] = ()
    unreadable: tuple[str, ...] = ()


class Reader:
    """Reads what is kept for one image, all of it within a time."""

    def __init__(self, client: Client, repository: str, digest: str) -> None:
        self.client, self.repository, self.digest = client, repository, digest
        self.tag = manifests.tag(digest)
        self._until = time.monotonic() + TOTAL_SECONDS
        self._blobs: dict[str, bytes] = {}  # several keys sign the same payload

    def layers(self) -> Kept:
        """What cosign keeps in a manifest of signatures. Raises HorcruxError."""
        found = self._manifest(self.tag)
        if found is None:
            return Kept()
        where = f"{self.repository}:{self.tag} in {self.client.what}"
        listed = manifests.layers(found, where)
        signatures, unreadable = _each("entry", listed, self._of_layer)
        return Kept(tuple(listed), signatures, unreadable)

    def bundles(self) -> Kept:
        """What cosign 3 keeps in bundles: in the list of the image's referrers, or in the one under a
        tag, which clients keep where a registry has no such lists. Raises HorcruxError.
        """
        listed = self._listed(self._referrers()) or self._listed(
            self._manifest(signature_bundle.tag(self.digest))
        )
        if listed is None:
            return Kept(
                unreadable=("what lies there as its list of referrers is no list of referrers",)
            )
        if len(listed) > ENTRIES:
            raise HorcruxError(
                f"{self.client.what} lists {len(listed)} bundles about {self.repository}@{self.digest}, and "
                f"no more than {ENTRIES} are looked at; sign the image as horcrux images sign does"
            )
        return Kept((), *_each("bundle", listed, self._of_bundle))

    def _of_layer(self, layer: Any) -> Signature:
        entry = manifests.entry(layer)
        return Signature(self._blob(entry.payload), entry.value)

    def _of_bundle(self, digest: str) -> Signature | None:
        manifest = self._manifest(digest, PAYLOAD_BYTES)
        if manifest is None:
            raise ValueError("has a manifest that is not there")
        blob = signature_bundle.content_of(manifest.data)
        return signature_bundle.signature(self._blob(blob)) if blob else None

    def _listed(self, found: Content | None) -> list[str] | None:
        """The bundles in a list of referrers; None for what is no such list."""
        return signature_bundle.referrers(found) if found else []

    def _referrers(self) -> Content | None:
        return content.referrers(
            self.client, self.repository, self.digest, self._left(), MANIFEST_BYTES
        )

    def _manifest(self, reference: str, most: int = MANIFEST_BYTES) -> Content | None:
        return content.manifest(self.client, self.repository, reference, self._left(), most)

    def _blob(self, digest: str) -> bytes:
        """A payload or a bundle. Raises ValueError where it is not there, and HorcruxError."""
        if digest not in self._blobs:
            found = content.blob(self.client, self.repository, digest, self._left(), PAYLOAD_BYTES)
            if found is None:
                raise ValueError("has content that is not there")
            self._blobs[digest] = found
        return self._blobs[digest]

    def _left(self) -> float:
        """Seconds for the next request. Raises UnansweredError when there are none."""
        left = min(REQUEST_SECONDS, self._until - time.monotonic())
        if left <= 0:
            raise UnansweredError(
                f"{self.client.what} at {self.client.url} did not tell the signatures of {self.repository}@"
                f"{self.digest} within {TOTAL_SECONDS:.0f} s; try again, and see: horcrux status"
            )
        return left


def _each(
    what: str, listed: Sequence[Any], read: Callable[[Any], Signature | None]
) -> tuple[tuple[Signature, ...], tuple[str, ...]]:
    """The signatures, and what is wrong with the others: one of no use does not spoil the rest."""
    signatures, unreadable = [], []
    for number, one in enumerate(listed, 1):
        try:
            found = read(one)
        except UnansweredError:
            raise
        except HorcruxError as error:
            unreadable.append(f"{what} {number} cannot be had: {error}")
        except ValueError as error:
            unreadable.append(f"{what} {number} {error}")
        else:
            signatures += [found] if found else []
    return tuple(signatures), tuple(unreadable)
