"""Apps that grow and shrink with their load."""

from typing import Literal
from zoneinfo import available_timezones

from pydantic import Field, field_validator, model_validator

from horcrux.settings.fields import Model, Seconds

MOST_TASKS = 500
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Target(Model):
    """What is held for each task, by adding and taking away tasks. One of the four."""

    requests_per_second: float | None = Field(
        default=None, gt=0, description="Requests per second that one task gets."
    )
    cpu: float | None = Field(
        default=None, gt=0, le=1, description="Share of `limits.cpus` that a task uses: 0.7."
    )
    latency_p95: float | None = Field(
        default=None, gt=0, description="Seconds within which 95 of 100 requests are answered."
    )
    queue: float | None = Field(
        default=None, gt=0, description="Requests under way or waiting for each task."
    )

    @model_validator(mode="after")
    def _one(self) -> "Target":
        given = self.model_dump(exclude_none=True)
        if len(given) != 1:
            raise ValueError(
                "needs exactly one of `requests_per_second`, `cpu`, `latency_p95` and `queue`"
            )
        return self


class Bounds(Model):
    """Other bounds from a time of day on, until the next entry's."""

    at: str = Field(
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$",
        title="HH:MM",
        description="From when on they hold.",
    )
    days: tuple[Day, ...] = Field(default=(), description="On which days. Default: every day.")
    min: int = Field(ge=1, le=MOST_TASKS, description="At least so many tasks.")
    max: int | None = Field(
        default=None, ge=1, le=MOST_TASKS, description="At most so many. Default: the app's `max`."
    )


class Elastic(Model):
    """How many tasks an app has, by what it is asked."""

    min: int = Field(default=1, ge=1, le=MOST_TASKS, description="At least so many tasks.")
    max: int = Field(ge=1, le=MOST_TASKS, description="At most so many tasks.")
    target: Target = Field(description="What is held for each task.")
    scale_to_zero: Seconds | None = Field(
        default=None,
        description="Seconds without a request after which no task runs. The next request waits at the "
        "edge until one does.",
    )
    cooldown: Seconds = Field(
        default=60,
        description="Seconds for which a higher need is remembered before tasks are taken away.",
    )
    schedule: tuple[Bounds, ...] = Field(
        default=(), description="Other bounds at known times: {at: '08:30', min: 4}."
    )
    timezone: str = Field(default="UTC", description="Where the schedule's clock is.")

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"{value!r} is not a time zone: write one as Europe/Berlin, or UTC")
        return value

    @model_validator(mode="after")
    def _ordered(self) -> "Elastic":
        if self.min > self.max:
            raise ValueError(f"`min` ({self.min}) is above `max` ({self.max})")
        for bounds in self.schedule:
            most = bounds.max or self.max
            if bounds.min > most:
                raise ValueError(
                    f"the schedule's entry at {bounds.at}: `min` ({bounds.min}) is above `max` ({most})"
                )
        return self


class ElasticHosts(Model):
    """Between which numbers `horcrux autoscale` moves `hosts.workers`."""

    min_workers: int = Field(default=0, ge=0, le=43, description="At least so many workers.")
    max_workers: int = Field(ge=1, le=43, description="At most so many workers.")
    idle: Seconds = Field(
        default=600,
        description="Seconds for which a worker's tasks would fit elsewhere before it is taken away.",
    )
