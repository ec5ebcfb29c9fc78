"""How an app's next release takes over: all at once, task by task, or as a canary that is measured."""

import math
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from horcrux.settings.fields import Model, Name, Seconds

Strategy = Literal["rolling", "blue-green", "canary", "recreate"]
SHARE = "%"


def _surge(value: Any) -> Any:
    """`25%` of the app's tasks, or so many tasks."""
    text = str(value).strip()
    number = text.removesuffix(SHARE)
    if isinstance(value, bool) or not number.isdigit() or int(number) < 1:
        raise ValueError(f"{value!r} is not a surge: write a share, as 25%, or a number of tasks")
    return text


Surge = Annotated[
    str,
    BeforeValidator(_surge),
    Field(
        title="share or number",
        json_schema_extra={"type": ["string", "integer"], "pattern": "^[1-9][0-9]*%?$"},
    ),
]


def surge_tasks(surge: str, replicas: int) -> int:
    """How many tasks above `replicas` may run during a rolling release; at least one."""
    if surge.endswith(SHARE):
        return max(1, math.ceil(replicas * int(surge.removesuffix(SHARE)) / 100))
    return int(surge)


class Smoke(Model):
    """What a new release must pass before it gets any request. One of `path` and `command`."""

    path: str | None = Field(
        default=None,
        title="path",
        pattern=r"^/[!-~]*$",
        description="A path that must answer 2xx or 3xx, asked through an edge as a client asks.",
    )
    command: tuple[str, ...] = Field(
        default=(),
        description="A command in a container of the new release that must exit with 0; "
        "HORCRUX_SMOKE_URL is where the release answers.",
    )
    timeout: Seconds = Field(default=60, description="Seconds after which it has failed.")

    @model_validator(mode="after")
    def _one_kind(self) -> "Smoke":
        if bool(self.path) == bool(self.command):
            raise ValueError("needs one of `path` and `command`")
        return self


class Step(Model):
    """One step of a canary."""

    weight: int = Field(
        ge=1, le=100, description="Percent of the app's requests that the new release gets."
    )
    pause: Seconds = Field(default=60, description="Seconds for which it is measured.")


class Query(Model):
    """A measurement of the user's own. At least one of `max`, `min` and `max_ratio`."""

    name: Name = Field(description="What it is called in verdicts.")
    query: str = Field(
        min_length=1,
        description="PromQL with one number as its answer; $service is the release's service, $app "
        "the app, $window the time since the step began (as 60s).",
    )
    max: float | None = Field(default=None, description="Above it, the new release is bad.")
    min: float | None = Field(default=None, description="Below it, the new release is bad.")
    max_ratio: float | None = Field(
        default=None, gt=0, description="Above so many times the old release's value, it is bad."
    )

    @model_validator(mode="after")
    def _bounded(self) -> "Query":
        if self.max is None and self.min is None and self.max_ratio is None:
            raise ValueError("needs one of `max`, `min` and `max_ratio`")
        return self


class Analysis(Model):
    """When a canary is good: its errors and times against the old release's of the same seconds."""

    errors: float = Field(
        default=0.001,
        ge=0,
        lt=1,
        description="A share of failed requests that is higher by more than this, beyond chance, is bad.",
    )
    latency: float = Field(
        default=1.5,
        gt=1,
        description="A p95 or p99 above so many times the old one's, beyond chance, is bad.",
    )
    confidence: float = Field(
        default=0.99,
        ge=0.5,
        lt=1,
        description="A release that is as good as the old one is promoted with at least this "
        "probability.",
    )
    min_requests: int = Field(
        default=100, ge=1, description="With fewer requests in a step there is no data."
    )
    on_no_data: Literal["wait", "promote", "rollback"] = Field(
        default="wait",
        description="What a step without enough requests leads to. `wait` goes on measuring.",
    )
    no_data_limit: Seconds = Field(
        default=600, description="Seconds after which `wait` gives up and rolls back."
    )
    queries: tuple[Query, ...] = Field(default=(), description="Measurements of your own.")


class Canary(Model):
    """How a canary is led and judged."""

    steps: tuple[Step, ...] = Field(
        default=(Step(weight=5), Step(weight=25), Step(weight=50)),
        description="Its steps; weights must rise. A fault that shows after ten minutes needs steps "
        "that are longer than that.",
    )
    analysis: Analysis = Field(default=Analysis(), description="When it is good.")
    sticky: bool = Field(
        default=False, description="Whether a client stays with the release that it got first."
    )
    tester: str | None = Field(
        default="X-Canary",
        title="header",
        pattern=r"^[A-Za-z][A-Za-z0-9-]{0,62}$",
        description="Header, and cookie, by which a tester chooses: `always` for the new release, "
        "`never` for the old one.",
    )
