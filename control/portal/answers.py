"""JSON answers: small, and packed where that is worth it."""

import json
from typing import Any

from aiohttp import web

from control.portal.files import takes_gzip

WORTH_PACKING = 1400  # bytes; less goes in one packet anyway


def compact(data: Any) -> str:
    """JSON without spaces, and without the NaN that browsers do not read."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def answer(request: web.Request, data: Any, status: int = 200) -> web.Response:
    """`data` as the answer."""
    response = web.json_response(text=compact(data), status=status)
    if takes_gzip(request) and len(response.body or b"") > WORTH_PACKING:  # type: ignore[arg-type]
        response.enable_compression(web.ContentCoding.gzip)
    return response
