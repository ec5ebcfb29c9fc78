"""What must hold for releases and elastic apps: each rule yields (path, what is wrong and what to do)."""

from collections.abc import Iterator
from itertools import pairwise

import promql_parser

from horcrux.settings.app import App

Finding = tuple[str, str]


def releases(path: str, app: App, *, measured: bool) -> Iterator[Finding]:
    """Of the way that an app is released; `measured`: whether there is a Prometheus."""
    strategy = app.releases_by
    if app.volumes and strategy != "recreate":
        yield (
            f"{path}.strategy",
            f"{strategy} runs two releases at once, and they would write to one volume; "
            "take the volumes out, or leave the strategy to recreate",
        )
    if strategy == "canary" and not app.routes:
        yield f"{path}.strategy", "a canary gets a share of requests; give the app routes"
    if strategy == "canary" and not measured:
        yield f"{path}.strategy", "a canary is measured; it needs monitoring.enabled"
    if app.smoke and app.smoke.path and not (app.routes and app.canary.tester):
        needed = "routes, and a header in canary.tester"
        yield (
            f"{path}.smoke.path",
            f"is asked through an edge; give the app {needed}, or a `command`",
        )
    if not app.canary.steps:
        yield f"{path}.canary.steps", "are none; write one, as {weight: 10, pause: 60}"
    weights = [step.weight for step in app.canary.steps]
    for i, (before, weight) in enumerate(pairwise(weights)):
        if weight <= before:
            yield (
                f"{path}.canary.steps[{i + 1}].weight",
                f"{weight} is not above {before} of the step before; weights must rise",
            )
    for i, query in enumerate(app.canary.analysis.queries):
        if problem := promql_problem(query.query):
            yield f"{path}.canary.analysis.queries[{i}].query", problem


def promql_problem(query: str) -> str | None:
    """What is wrong with a query of the user's, its $words put in; None when it can be read."""
    text = query
    for word, example in (("$service", "web-0a1b2c3d"), ("$app", "web"), ("$window", "60s")):
        text = text.replace(word, example)
    try:
        promql_parser.parse(text)
    except ValueError as error:
        return f"{query!r} is not PromQL: {' '.join(str(error).split())}"
    return None


def elastic(path: str, app: App, *, measured: bool) -> Iterator[Finding]:
    """Of an app that grows and shrinks with its load."""
    if app.elastic is None:
        return
    ((kind, _),) = app.elastic.target.model_dump(exclude_none=True).items()
    if "replicas" in app.model_fields_set:
        yield f"{path}.replicas", "elastic.min and elastic.max say how many; take `replicas` out"
    if app.volumes:
        yield f"{path}.elastic", "an app with volumes lives on one host and cannot grow"
    if kind != "cpu" and not app.routes:
        yield (
            f"{path}.elastic.target.{kind}",
            "is measured at the edges; give the app routes, or take `cpu`",
        )
    if kind in ("cpu", "latency_p95") and not measured:
        yield (
            f"{path}.elastic.target.{kind}",
            "is measured by Prometheus; it needs monitoring.enabled",
        )
    if app.elastic.scale_to_zero and not app.routes:
        yield f"{path}.elastic.scale_to_zero", "an edge wakes the app; give it routes"
