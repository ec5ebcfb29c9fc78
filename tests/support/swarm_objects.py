"""Services and configs as the Docker API lists them."""

import json
from typing import Any


def service(
    name: str,
    edge: Any = None,
    *,
    app: str | None = "web",
    release: bool = True,
    replicas: int = 2,
    created: str = "2026-01-01T00:00:00Z",
) -> dict[str, Any]:
    """A service; `edge` is the label's JSON, or its text."""
    labels = {}
    if app is not None:
        labels["horcrux.app"] = app
    if edge is not None:
        labels["horcrux.edge"] = edge if isinstance(edge, str) else json.dumps(edge)
    if release:
        labels["horcrux.release"] = name.rpartition("-")[2]
    mode = {"Replicated": {"Replicas": replicas}}
    return {
        "ID": name,
        "CreatedAt": created,
        "Spec": {"Name": name, "Labels": labels, "Mode": mode},
    }


def traffic(app: str, weights: Any) -> dict[str, Any]:
    """The config with an app's weights: the label's JSON, or its text."""
    text = weights if isinstance(weights, str) else json.dumps(weights)
    return {"Spec": {"Name": f"horcrux-traffic-{app}", "Labels": {"horcrux.weights": text}}}
