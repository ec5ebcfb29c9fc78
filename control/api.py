"""The internal API, on the platform's own network: what the edges, Prometheus and the command ask.

`GET /v1/edge/config?have=VERSION` answers at once with `{"version", "files"}` when the version is
another one, else waits for a change and answers 204. `GET /v1/targets/JOB` is Prometheus' http_sd,
`GET /metrics` control's own. The rest is described in docs/components/control.md. Errors are
`{"error": sentence}`.
"""

import json
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from control.answers import Answers
from control.event_log import MOST
from control.routes import Routes
from control.targets import Outside, targets
from control.upstream import UpstreamError
from control.watch import Watch

MOST_POINTS = 11_000  # what Prometheus gives at most for one series
LONGEST_SILENCE = 30 * 86400
LONGEST_MINUTES = 3650 * 1440  # of curves: the longest that measurements are kept
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Api:
    """Handlers over what control knows."""

    def __init__(
        self,
        routes: Routes,
        watch: Watch,
        answers: Answers,
        outside: Outside,
        registries: tuple[CollectorRegistry, ...],
    ) -> None:
        self._routes, self._watch, self._answers = routes, watch, answers
        self._outside, self._registries = outside, registries

    def application(self, more: list[web.RouteDef]) -> web.Application:
        """The HTTP service; `more`: routes of others, such as notifications."""
        app = web.Application(middlewares=[_explained])
        app.add_routes(
            [
                web.get("/healthz", self._health),
                web.get("/metrics", self._metrics),
                web.get("/v1/edge/config", self._edge_config),
                web.get("/v1/targets/{job}", self._targets),
                web.get("/v1/overview", self._overview),
                web.get("/v1/events", self._events),
                web.get("/v1/series", self._series),
                web.get("/v1/query", self._query),
                web.get("/v1/alerts", self._alerts),
                web.get("/v1/silences", self._silences),
                web.post("/v1/silences", self._silence),
                web.delete("/v1/silences/{id}", self._unsilence),
                *more,
            ]
        )
        return app

    async def _health(self, _: web.Request) -> web.Response:
        return web.Response(status=200 if self._routes.healthy else 503)

    async def _metrics(self, _: web.Request) -> web.Response:
        text = b"".join(generate_latest(registry) for registry in self._registries)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _edge_config(self, request: web.Request) -> web.Response:
        bundle = await self._routes.newer_than(request.query.get("have", ""))
        if bundle is None:
            return web.Response(status=204)
        return web.json_response({"version": bundle.version, "files": bundle.files})

    async def _targets(self, request: web.Request) -> web.Response:
        job = request.match_info["job"]
        try:
            found = targets(job, self._watch.snapshot, self._outside)
        except KeyError:
            raise _error(404, f"there is no job {job!r}") from None
        return web.json_response(found)

    async def _overview(self, _: web.Request) -> web.Response:
        return web.json_response(await self._answers.overview())

    async def _events(self, request: web.Request) -> web.StreamResponse:
        since = _number(request, "since", 0.0)
        log = self._watch.events
        if not request.query.get("follow"):
            found = log.since(since, _whole(request, "limit", MOST, MOST))
            return web.json_response({"events": [e.as_json() for e in found]})
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        async for event in log.follow(since):
            await response.write(json.dumps(event.as_json()).encode() + b"\n")
        return response

    async def _series(self, request: web.Request) -> web.Response:
        what, name = request.query.get("what", ""), request.query.get("name", "")
        minutes = _whole(request, "minutes", 60, LONGEST_MINUTES)
        try:
            return web.json_response(await self._answers.series(what, name, minutes))
        except KeyError:
            raise _error(400, f"what={what!r}: there are app, release and host") from None

    async def _query(self, request: web.Request) -> web.Response:
        query, prometheus = request.query.get("query", ""), self._answers.prometheus
        if "start" not in request.query:
            return web.json_response({"result": await prometheus.now(query)})
        start = _number(request, "start", 0.0)
        end = _number(request, "end", time.time())
        step = _number(request, "step", 60.0)
        if step <= 0 or not 0 <= (end - start) / step <= MOST_POINTS:
            raise _error(400, f"from {start} to {end} by {step} is not 1 to {MOST_POINTS} points")
        return web.json_response({"result": await prometheus.over(query, start, end, step)})

    async def _alerts(self, _: web.Request) -> web.Response:
        return web.json_response({"alerts": await self._answers.alertmanager.alerts()})

    async def _silences(self, _: web.Request) -> web.Response:
        return web.json_response({"silences": await self._answers.alertmanager.silences()})

    async def _silence(self, request: web.Request) -> web.Response:
        asked = await request.json()
        matchers, seconds = asked.get("matchers"), asked.get("seconds")
        if not matchers or not all(isinstance(v, str) for v in matchers.values()):
            raise _error(400, "matchers: say which alerts, as {label: value}")
        if type(seconds) is not int or not 0 < seconds <= LONGEST_SILENCE:
            raise _error(400, f"seconds: {seconds!r} is not from 1 to {LONGEST_SILENCE}")
        words = [str(asked.get(key) or "") for key in ("comment", "author")]
        identity = await self._answers.silence(matchers, seconds, *words)
        return web.json_response({"id": identity})

    async def _unsilence(self, request: web.Request) -> web.Response:
        await self._answers.alertmanager.unsilence(request.match_info["id"])
        return web.json_response({})


@web.middleware
async def _explained(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What went wrong, as JSON."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400 or error.content_type == "application/json":
            raise
        said = f"{request.method} {request.path}: {error.reason}"
        return web.json_response({"error": said}, status=error.status)
    except UpstreamError as error:
        return web.json_response({"error": str(error)}, status=502)
    except (ValueError, AttributeError, TypeError) as error:
        return web.json_response({"error": f"cannot be read: {error!r}"}, status=400)


def _number(request: web.Request, key: str, default: float) -> float:
    text = request.query.get(key)
    try:
        value = default if text is None else float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise _error(400, f"{key}={text!r} is not a number")
    return value


def _whole(request: web.Request, key: str, default: int, most: int) -> int:
    value = _number(request, key, default)
    if not 1 <= value <= most:
        raise _error(400, f"{key}={value:g} is not from 1 to {most}")
    return int(value)


def _error(status: int, text: str) -> web.HTTPException:
    kind: Any = {400: web.HTTPBadRequest, 404: web.HTTPNotFound}[status]
    body = json.dumps({"error": text})
    error: web.HTTPException = kind(text=body, content_type="application/json")
    return error
