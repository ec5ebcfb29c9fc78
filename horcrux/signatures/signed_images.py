"""Signatures of images in a registry or a cache: checked, and added, as cosign does with a key."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from horcrux.exits import HorcruxError
from horcrux.images import content
from horcrux.images.client import Client
from horcrux.images.resolve import REGISTRY
from horcrux.report.units import many
from horcrux.signatures import signature_bundle
from horcrux.signatures import signature_manifest as manifests
from horcrux.signatures.kept_signatures import REQUEST_SECONDS, Kept, Reader
from horcrux.signatures.signing import Found, Signature, proven
from horcrux.signatures.signing_keys import PublicKey, fingerprint, public

SHOWN = 3  # of entries that cannot be read; the others are like them


def check(client: Client, repository: str, digest: str, keys: Sequence[str]) -> list[str]:
    """Fingerprints of those of the keys (PEM) that signed the image with this digest: at least one.

    `repository` as the client's place knows it; the cache's are `quay.io/acme/shop`. Bundles are looked at
    when no signature of the older kind is enough. Raises HorcruxError when none of the keys signed it, and
    when that cannot be known.
    """
    trusted = [public(key) for key in keys]
    reader = Reader(client, repository, digest)
    looked: list[tuple[Kept, Found]] = []
    for read in (reader.layers, reader.bundles):
        kept = read()
        found = proven(kept.signatures, digest, trusted)
        if found.signers:
            return list(found.signers)
        looked.append((kept, found))
    why = "; ".join(said for kept, found in looked for said in _why(kept, found))
    tags = f"{reader.tag} and {signature_bundle.tag(digest)}"
    nothing = f"{client.what} at {client.url} has no signature of it (looked for the tags {tags})"
    raise HorcruxError(
        f"{repository}@{digest} is not signed by {_named(trusted)}: {why or nothing}. Sign it "
        f"({_how(client, repository, digest)}), or correct the keys in horcrux:images.signatures"
    )


def add(client: Client, repository: str, digest: str, signature: Signature) -> None:
    """Put a signature beside those that are there.

    Two that are added in the same moment: the later one counts, as with cosign. Raises HorcruxError.
    """
    reader = Reader(client, repository, digest)
    kept = reader.layers()
    where = f"{repository}:{reader.tag} in {client.what}"
    if not all(isinstance(layer, dict) and "digest" in layer for layer in kept.layers):
        raise HorcruxError(
            f"{where} has entries that are no layers, and stays as it is; remove this tag and sign the image "
            "again"
        )
    layers = [*kept.layers, manifests.layer_of(signature)]
    if len(layers) > manifests.ENTRIES:
        raise HorcruxError(
            f"{where} has {len(kept.layers)} signatures, and no more are looked at; remove this tag and sign "
            "the image again"
        )
    for blob in (signature.payload, manifests.config_of(layers).data):
        content.push_blob(client, repository, blob, REQUEST_SECONDS)
    new = manifests.manifest_of(layers)
    content.push_manifest(client, repository, reader.tag, new, REQUEST_SECONDS)


def _why(kept: Kept, found: Found) -> list[str]:
    """Why nothing that is kept there proves it."""
    said = []
    if found.elsewhere:
        others = ", ".join(found.elsewhere)
        said.append(f"what was signed is another image, {others}, and lies here as this one's")
    if found.strangers:
        said.append(f"{many(found.strangers, 'signature')} there by other keys")
    more = len(kept.unreadable) - SHOWN
    said.extend(kept.unreadable[:SHOWN])
    return [*said, f"and {more} more like it"] if more > 0 else said


def _how(client: Client, repository: str, digest: str) -> str:
    """How to sign it: beside it, and so not through the cache."""
    if client.what == REGISTRY:
        address = urlsplit(client.url).netloc
        return f"horcrux images sign {address}/{repository}@{digest} --key FILE"
    return f"cosign sign --key FILE {repository}@{digest}"


def _named(trusted: Sequence[PublicKey]) -> str:
    names = ", ".join(map(fingerprint, trusted))
    return f"the key {names}" if len(trusted) == 1 else f"any of the keys {names}"
