"""What clients are told: content, or an error in the distribution specification's words."""

from aiohttp import web

from supply import oci
from supply.cache.failure import (
    DeniedError,
    LimitedError,
    MissingError,
    UpstreamError,
    WrongError,
)
from supply.cache.names import Wanted

VERSION = {"Docker-Distribution-Api-Version": "registry/2.0"}
UNKNOWN = {"manifests": "MANIFEST_UNKNOWN", "blobs": "BLOB_UNKNOWN", "tags": "NAME_UNKNOWN"}
# A digest always means the same, so anybody on the way may keep it; private content, nobody.
PUBLIC, PRIVATE = "public, max-age=31536000, immutable", "private, no-store"


def content(digest: str, *, public: bool, immutable: bool = True) -> dict[str, str]:
    """The headers of content. `immutable`: it was asked for by its digest."""
    kept = PUBLIC if immutable else "public, max-age=0, must-revalidate"
    return {
        **VERSION,
        "Docker-Content-Digest": digest,
        "ETag": f'"{digest}"',
        "Cache-Control": kept if public else PRIVATE,
    }


def unauthorized(request: web.Request, message: str) -> web.Response:
    """Somebody who is to say who he is, or that he is nobody, where tokens are given."""
    realm = f'Bearer realm="https://{request.host}/token",service="horcrux-image-cache"'
    headers = {**VERSION, "WWW-Authenticate": realm}
    return web.json_response(oci.error("UNAUTHORIZED", message), status=401, headers=headers)


def unknown(wanted: Wanted) -> web.Response:
    """There is no such thing, or not for whoever asks."""
    told = oci.error(UNKNOWN[wanted.kind], f"{wanted.name} has no {wanted.reference}")
    return web.json_response(told, status=404, headers=VERSION)


def failed(error: UpstreamError, wanted: Wanted) -> web.Response:
    """What an upstream's failure means to a client."""
    if isinstance(error, MissingError | DeniedError):
        return unknown(wanted)
    if isinstance(error, LimitedError):
        headers = {**VERSION, "Retry-After": str(max(1, round(error.seconds)))}
        told = oci.error("TOOMANYREQUESTS", str(error))
        return web.json_response(told, status=429, headers=headers)
    status = 502 if isinstance(error, WrongError) else 503
    return web.json_response(oci.error("UNAVAILABLE", str(error)), status=status, headers=VERSION)
