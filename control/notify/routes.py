"""What control serves of notifications.

`POST /v1/notify/RECEIVER` takes Alertmanager's webhook: 200 when it is delivered, 502 when not, so that
Alertmanager tries again. `POST /v1/alerts/test {"receiver": NAME or null}` sends a test message to
one receiver or to all, without Alertmanager, and answers how each went.
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import aiohttp
from aiohttp import web

from control.notify import trial
from control.notify.delivery import Result, count_from_zero, deliver
from control.notify.receivers import Receiver

# A group of 2,000 alerts, of 4 kB each. A larger one is refused, as otherwise one post could take
# control's memory; `max_alerts` in Alertmanager's configuration keeps groups below it.
MOST_NOTIFICATION_BYTES = 8 * 1024 * 1024
MOST_TEST_BYTES = 4096

log = logging.getLogger("control")


class RefusedError(Exception):
    """A request that cannot be carried out, with the status that says so."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def routes(
    receivers: Mapping[str, Receiver],
    session: Callable[[], aiohttp.ClientSession],
    environment: str,
    portal_url: str,
    clock: Callable[[], float] = time.time,
) -> list[web.RouteDef]:
    """The routes over these receivers; `session` gives the one that control keeps for them."""
    count_from_zero(receivers)

    async def send(receiver: Receiver, payload: Mapping[str, Any]) -> Result:
        return await deliver(receiver, payload, session(), clock(), portal_url)

    async def notify(request: web.Request) -> web.Response:
        try:
            receiver = _known(receivers, request.match_info["receiver"])
            payload = await _object(request, MOST_NOTIFICATION_BYTES)
            if not isinstance(payload.get("alerts"), list):
                raise RefusedError(400, "this is no webhook of Alertmanager's: it has no alerts")
        except RefusedError as error:
            log.error("a notification is refused: %s", error)
            return _error(error)
        result = await send(receiver, payload)
        if result.ok:
            return web.json_response(asdict(result))
        sentence = f"receiver {result.receiver} ({result.kind}): {result.detail}"
        return _error(RefusedError(502, sentence))

    async def test(request: web.Request) -> web.Response:
        try:
            name = (await _object(request, MOST_TEST_BYTES)).get("receiver")
            chosen = list(receivers.values()) if name is None else [_known(receivers, name)]
        except RefusedError as error:
            return _error(error)
        now = clock()
        results = await asyncio.gather(
            *(send(r, trial.payload(r.name, environment, now, portal_url)) for r in chosen)
        )
        return web.json_response({"results": [asdict(result) for result in results]})

    return [web.post("/v1/notify/{receiver}", notify), web.post("/v1/alerts/test", test)]


def _known(receivers: Mapping[str, Receiver], name: Any) -> Receiver:
    if not isinstance(name, str) or name not in receivers:
        there = ", ".join(sorted(receivers)) or "none"
        raise RefusedError(404, f"there is no receiver {name!r:.100}; there are: {there}")
    return receivers[name]


async def _object(request: web.Request, most: int) -> dict[str, Any]:
    """The JSON object of a request's body; an empty body is an empty object."""
    body = bytearray()
    while chunk := await request.content.readany():
        body += chunk
        if len(body) > most:
            raise RefusedError(413, f"the body is larger than {most} bytes")
    try:
        found = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise RefusedError(400, "the body is not a JSON object")
    return found


def _error(error: RefusedError) -> web.Response:
    return web.json_response({"error": str(error)}, status=error.status)
