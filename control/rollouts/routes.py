"""Walks over the internal API: how they are, and orders to them."""

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from control.overview import Measurements
from control.prometheus import Prometheus
from control.rollouts.orders import OrderError, give
from control.rollouts.walk import Walk
from control.snapshot import Snapshot
from control.swarm import Swarm, SwarmError
from control.upstream import UpstreamError
from control.watch import Watch

RATES = {
    "requests": "release:requests:rate1m",
    "errors": "release:errors:ratio1m",
    "p95": "release:latency:p95_1m",
}
Document = dict[str, Any]


def routes(swarm: Swarm, watch: Watch, prometheus: Prometheus) -> list[web.RouteDef]:
    """What `horcrux deploy` and `horcrux release` ask."""

    async def listed(_: web.Request) -> web.Response:
        snapshot = watch.snapshot
        return web.json_response(
            {"rollouts": {app: _walk(snapshot, app) for app in snapshot.walks}}
        )

    async def shown(request: web.Request) -> web.Response:
        app, snapshot = _app(request, watch.snapshot), watch.snapshot
        rates = await _rates(prometheus, app, snapshot)
        return web.json_response(document(app, snapshot, rates))

    async def ordered(request: web.Request) -> web.Response:
        app, asked = _app(request, watch.snapshot), await request.json()
        try:
            walk = await give(swarm, app, str(asked["order"]), str(asked.get("by") or "somebody"))
        except KeyError:
            raise refusal(web.HTTPBadRequest, "order: say what is to be done") from None
        except OrderError as error:
            raise refusal(web.HTTPConflict, str(error)) from None
        except SwarmError as error:
            raise refusal(web.HTTPBadGateway, str(error)) from None
        return web.json_response(_told(walk))

    path = "/v1/rollouts/{app}"
    return [
        web.get("/v1/rollouts", listed),
        web.get(path, shown),
        web.post(path, ordered),
    ]


def document(app: str, snapshot: Snapshot, rates: Mapping[str, Document]) -> Document:
    """An app's walk with the tasks and rates of its releases, by service."""
    releases = snapshot.apps[app]
    return {
        **_walk(snapshot, app),
        "rates": {r.service: rates.get(r.service, dict.fromkeys(RATES)) for r in releases},
        "tasks": {r.service: {"desired": r.desired, "healthy": r.running} for r in releases},
        "weights": dict(snapshot.weights.get(app, {})),
    }


async def _rates(prometheus: Prometheus, app: str, snapshot: Snapshot) -> dict[str, Document]:
    query = f'{{__name__=~"{"|".join(RATES.values())}",app="{app}"}}'
    try:
        values = Measurements(await prometheus.now(query))
    except UpstreamError:
        return {}
    return {
        r.service: {name: values.of(metric, r.service) for name, metric in RATES.items()}
        for r in snapshot.apps[app]
    }


def _walk(snapshot: Snapshot, app: str) -> Document:
    walk = snapshot.walks.get(app)
    return _told(walk) if walk else {"walk": None, "progress": None}


def _told(walk: Walk) -> Document:
    told = walk.as_json()
    return {"walk": told["plan"], "progress": told["progress"]}


def _app(request: web.Request, snapshot: Snapshot) -> str:
    app = request.match_info["app"]
    if app not in snapshot.apps:
        raise refusal(web.HTTPNotFound, f"there is no app {app!r}")
    return app


def refusal(kind: type[web.HTTPException], text: str) -> web.HTTPException:
    """An error as the API tells it."""
    return kind(text=json.dumps({"error": text}), content_type="application/json")
