"""Control at work: what it watches, and the two ports that it serves."""

import asyncio
import contextlib
import logging
import signal
from pathlib import Path

import aiohttp
from aiohttp import web

from control import routes
from control.alertmanager import Alertmanager
from control.answers import Answers
from control.api import Api
from control.elastic.gauges import ElasticCollector
from control.elastic.sampler import Sampler
from control.elastic.scaler import MEASURE_SECONDS, Scaler
from control.elastic.scaler import TICK_SECONDS as SCALE_SECONDS
from control.elastic.told import summaries
from control.event_log import EventLog
from control.metrics import SwarmCollector, registry
from control.notify import post
from control.notify.delivery import RESULTS
from control.notify.receivers import Receiver, ReceiversError, read
from control.notify.routes import routes as notify_routes
from control.portal.account import Account
from control.portal.server import PORT as PORTAL_PORT
from control.portal.server import Options
from control.portal.server import application as portal_application
from control.prometheus import Prometheus
from control.rollouts.conductor import TICK_SECONDS, Conductor
from control.rollouts.routes import routes as rollout_routes
from control.settings import Settings
from control.swarm import Swarm
from control.upstream import Upstream
from control.watch import ALERTS_SECONDS, LOOK_SECONDS, OTHERS_SECONDS, Watch, every

API_PORT = 8081
STOP_SECONDS = 2.0  # for answers under way; edges that wait for a change ask another control
PROMETHEUS_USER = "horcrux"
SECRETS = Path("/run/secrets")
EVENTS = Path("/var/lib/control/events.jsonl")

log = logging.getLogger("control")


async def run() -> None:
    """Serve until the process is told to stop (SIGTERM); then pages and edges are let go of at once."""
    serving = asyncio.create_task(serve())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, serving.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await serving


async def serve() -> None:
    """Watch and serve, without end."""
    settings, swarm = Settings.of(), Swarm()
    current, watch = routes.Routes(), Watch(settings.host, EventLog(EVENTS))
    prometheus = _prometheus()
    scaler = Scaler(watch, swarm, prometheus, Sampler())
    alertmanager = Alertmanager(Upstream("horcrux-alertmanager", 9093), prometheus)
    answers = Answers(
        settings.environment,
        settings.url,
        watch,
        prometheus,
        alertmanager,
        lambda: summaries(scaler.states),
    )
    outward = post.session()
    collector = SwarmCollector(
        lambda: watch.snapshot,
        lambda: watch.read_at,
        watch.failures,
        lambda: len(current.problems),
    )
    notify = notify_routes(
        _receivers(SECRETS / "receivers.json"),
        lambda: outward,
        settings.environment,
        settings.portal_url,
    )
    elastic = ElasticCollector(lambda: scaler.states, lambda: scaler.acts)
    registries = (registry(collector), registry(RESULTS), registry(elastic))
    api = Api(current, watch, answers, settings.outside, registries)
    more = [*notify, *rollout_routes(swarm, watch, prometheus)]
    pages = [await _listening(api.application(more), API_PORT)]
    options = Options(settings.environment, settings.session, settings.https_only)
    page = portal_application(answers, Account.read(SECRETS / "portal.json"), options)
    pages.append(await _listening(page, PORTAL_PORT))
    others = Upstream("horcrux-control", API_PORT)
    conductor = Conductor(swarm, prometheus, settings.host)
    try:
        await asyncio.gather(
            routes.watch(current, swarm),
            every(LOOK_SECONDS, "the Swarm cannot be read", lambda: watch.look(swarm)),
            every(TICK_SECONDS, "releases cannot be carried on", conductor.tick),
            every(SCALE_SECONDS, "elastic apps cannot be scaled", scaler.tick),
            every(MEASURE_SECONDS, "elastic apps' load cannot be measured", scaler.measure),
            every(
                ALERTS_SECONDS, "alerts cannot be read", lambda: watch.look_at_alerts(alertmanager)
            ),
            every(
                OTHERS_SECONDS, "other controls are not heard", lambda: watch.hear_others(others)
            ),
        )
    finally:
        await asyncio.gather(*(page.cleanup() for page in pages))


def _prometheus() -> Prometheus:
    password = (SECRETS / "monitoring-password").read_text()
    account = aiohttp.BasicAuth(PROMETHEUS_USER, password)
    return Prometheus(Upstream("horcrux-prometheus", 9090, account))


def _receivers(path: Path) -> dict[str, Receiver]:
    """The receivers of a file. One that cannot be used must not take the edges' configuration along."""
    try:
        return read(path)
    except ReceiversError as error:
        log.error("nobody is told of alerts: %s", error)
        return {}


async def _listening(app: web.Application, port: int) -> web.AppRunner:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=port, shutdown_timeout=STOP_SECONDS).start()
    return runner
