"""Grafana's shapes, as far as the dashboards use them. Pure: from what is asked to what Grafana reads.

Grafana's own names stand in its documentation of the dashboard's JSON model.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

Document = dict[str, Any]

SCHEMA = 38  # Grafana 10; newer ones take it and convert it
SOURCE: Document = {"type": "prometheus", "uid": "prometheus"}
COLUMNS = 24  # of Grafana's grid
HEIGHT = 8  # of its rows: about a third of a screen


@dataclass(frozen=True)
class Query:
    """What is asked of Prometheus, and how its answers are named."""

    expr: str
    legend: str


@dataclass(frozen=True)
class Panel:
    """One graph. `marks`: (value, colour) from which a line is drawn; `top`: the end of its axis."""

    title: str
    unit: str
    queries: tuple[Query, ...]
    about: str = ""
    width: int = 8
    top: float | None = None
    marks: tuple[tuple[float, str], ...] = ()
    stacked: bool = False
    kind: str = "timeseries"


@dataclass(frozen=True)
class Variable:
    """A choice at the top of the dashboard, from `label_values(of, label)`."""

    name: str
    of: str
    label: str
    several: bool = False
    numeric: bool = False


def one(title: str, unit: str, expr: str, legend: str, **more: Any) -> Panel:
    """A panel with one query."""
    return many(title, unit, (expr, legend), **more)


def many(title: str, unit: str, *asked: tuple[str, str], **more: Any) -> Panel:
    """A panel with several queries, each with its legend."""
    return Panel(title, unit, tuple(Query(*each) for each in asked), **more)


def dashboard(
    uid: str, title: str, variables: Sequence[Variable], panels: Sequence[Panel]
) -> Document:
    """The whole document, panels from left to right and from top to bottom."""
    return {
        "uid": uid,
        "title": title,
        "tags": ["horcrux"],
        "schemaVersion": SCHEMA,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,  # the cross-hair is in all panels at once
        "timezone": "browser",
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [_variable(each) for each in variables]},
        "annotations": {"list": [_alerts()]},
        "panels": _placed(panels),
    }


def text(document: Document) -> str:
    """As it stands in its file."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _placed(panels: Sequence[Panel]) -> list[Document]:
    placed: list[Document] = []
    column = row = 0
    for number, panel in zip(count(1), panels, strict=False):
        if column + panel.width > COLUMNS:
            column, row = 0, row + HEIGHT
        place = {"x": column, "y": row, "w": panel.width, "h": HEIGHT}
        placed.append({"id": number, "gridPos": place, **_panel(panel)})
        column += panel.width
    return placed


def _panel(panel: Panel) -> Document:
    defaults: Document = {
        "unit": panel.unit,
        "min": 0,
        "custom": _custom(panel),
        "thresholds": _thresholds(panel.marks),
    }
    if panel.top is not None:
        defaults["max"] = panel.top
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": SOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": _options(panel.kind),
        "targets": [
            _target(ref, query) for ref, query in zip("ABCDEFGH", panel.queries, strict=False)
        ],
    }


def _custom(panel: Panel) -> Document:
    if panel.kind != "timeseries":
        return {}
    return {
        "lineWidth": 1,
        "fillOpacity": 20 if panel.stacked else 5,
        "stacking": {"mode": "normal" if panel.stacked else "none"},
        "showPoints": "never",
        "thresholdsStyle": {"mode": "dashed" if panel.marks else "off"},
    }


def _thresholds(marks: Sequence[tuple[float, str]]) -> Document:
    steps: list[Document] = [{"color": "green", "value": None}]
    return {
        "mode": "absolute",
        "steps": [*steps, *({"color": color, "value": value} for value, color in marks)],
    }


def _options(kind: str) -> Document:
    if kind == "timeseries":
        legend = {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]}
        return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
    return {"reduceOptions": {"calcs": ["lastNotNull"]}, "textMode": "value_and_name"}


def _target(ref: str, query: Query) -> Document:
    return {
        "refId": ref,
        "datasource": SOURCE,
        "expr": query.expr,
        "legendFormat": query.legend,
        "range": True,
    }


def _variable(variable: Variable) -> Document:
    asked = f"label_values({variable.of}, {variable.label})"
    return {
        "type": "query",
        "name": variable.name,
        "label": variable.name,
        "datasource": SOURCE,
        "query": {"query": asked, "refId": variable.name},
        "definition": asked,
        "refresh": 2,  # when the time range changes: what was there then
        "sort": 4 if variable.numeric else 1,  # 4: by number, the newest first; 1: by name
        "multi": variable.several,
        "includeAll": variable.several,
        "allValue": ".+" if variable.several else None,
    }


def _alerts() -> Document:
    return {
        "name": "Alerts",
        "enable": True,
        "datasource": SOURCE,
        "expr": 'ALERTS{alertstate="firing", severity!="none"}',
        "titleFormat": "{{alertname}} {{app}}{{host}}",
        "iconColor": "red",
    }
