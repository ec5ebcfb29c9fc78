"""What an app is: its image, what it needs, how it is reached, how its health is known."""

from typing import Literal

from pydantic import Field, model_validator

from horcrux.settings.elastic import Elastic
from horcrux.settings.fields import (
    HostName,
    Model,
    MountPath,
    Name,
    Port,
    Route,
    Seconds,
    Size,
    Text,
    Variable,
)
from horcrux.settings.releases import Canary, Smoke, Strategy, Surge


class Build(Model):
    """A folder with a Dockerfile, built where Pulumi runs and pushed to the registry."""

    context: str = Field(description="The folder, relative to the project.")
    dockerfile: str = Field(
        default="Dockerfile", description="The Dockerfile, relative to the folder."
    )
    args: dict[Variable, Text] = Field(
        default={}, description="Build arguments. They end up in the image: no secrets."
    )


class Health(Model):
    """How it is known that a task of the app is well. One of `http` and `command`."""

    http: str | None = Field(
        default=None,
        title="path",
        pattern=r"^/[!-~]*$",
        description="A path that answers 2xx or 3xx when all is well.",
    )
    command: tuple[str, ...] = Field(
        default=(), description="A command inside the container that exits with 0 when all is well."
    )
    inside: bool = Field(
        default=True,
        description="Ask `http` inside the container too, with its curl, wget or bash. Set it to "
        "false for images that have no shell; the edge asks all the same.",
    )
    interval: Seconds = Field(default=2, description="Seconds between two checks.")
    timeout: Seconds = Field(default=2, description="Seconds after which a check has failed.")
    retries: int = Field(
        default=3, ge=1, le=100, description="Failed checks in a row that make a task unhealthy."
    )
    start_period: Seconds = Field(
        default=30, description="Seconds a task may take to start before failed checks count."
    )

    @model_validator(mode="after")
    def _one_kind(self) -> "Health":
        if bool(self.http) == bool(self.command):
            raise ValueError("needs one of `http` and `command`")
        return self


class Secret(Model):
    """A secret of the app, given to it as the file /run/secrets/NAME."""

    generate: int | None = Field(
        default=None,
        ge=16,
        le=128,
        description="Make the value up once, with so many characters. Without it the value is set "
        "with `horcrux secrets set APP NAME`.",
    )


class Volume(Model):
    """A volume on the host that the app is placed on."""

    name: Name = Field(
        description="The volume's name in the environment. Apps on one host may share it."
    )
    path: MountPath = Field(description="Where the container sees it.")
    kind: Literal["data", "cache"] = Field(
        default="data",
        description="`data` is never removed without being asked for; `cache` may be.",
    )
    read_only: bool = Field(default=False, description="Whether the app may only read it.")


class Provides(Model):
    """What apps that bind to this one are told, as APP_SCHEME-like variables and a secret file."""

    scheme: str = Field(
        default="tcp",
        pattern=r"^[a-z][a-z0-9+.-]*$",
        description="The scheme of the URL: mysql, postgresql, redis, http …",
    )
    username: str | None = Field(default=None, description="The account that bound apps use.")
    database: str | None = Field(default=None, description="The database that bound apps use.")
    secret: Name | None = Field(
        default=None,
        description="Which of this app's secrets bound apps get, as the file "
        "/run/secrets/APP-SECRET.",
    )


class Resources(Model):
    """An amount of computing."""

    cpus: float = Field(gt=0, description="Processors.")
    memory: Size = Field(ge=4 << 20, description="Memory, at least 4M.")


class Placement(Model):
    """Which hosts may run the app. Everything named must hold."""

    host: Name | None = Field(default=None, description="One host, by name.")
    zone: Name | None = Field(default=None, description="Hosts of one zone.")
    labels: dict[Name, Text] = Field(
        default={}, description="Hosts with these labels (see `hosts.labels`)."
    )


class EdgeRules(Model):
    """What the edge allows for this app."""

    body_limit: Size = Field(default=16 << 20, description="Largest request body; above it 413.")
    rate_limit: int | None = Field(
        default=None,
        ge=1,
        description="Requests per second from one client address at one host's edge; above it 429.",
    )
    timeout: Seconds = Field(
        default=60, description="Seconds that the app may be silent before the edge answers 504."
    )
    tunnel_timeout: Seconds = Field(
        default=3600, description="Seconds that a WebSocket may be silent."
    )


class Metrics(Model):
    """Measurements of the app's own, which Prometheus fetches from every task."""

    port: Port | None = Field(default=None, description="The port. Default: the app's.")
    path: str = Field(
        default="/metrics", title="path", pattern=r"^/[!-~]*$", description="The path."
    )


class App(Model):
    """An application: one image, run as so many tasks, reached by routes and bindings."""

    image: str | None = Field(
        default=None,
        min_length=1,
        description="An image by tag or digest. A tag is resolved to its digest at preview. With "
        "`build` as well, the image pins what was built before (see `horcrux "
        "rollback`).",
    )
    build: Build | None = Field(default=None, description="Build the image from a folder instead.")
    command: tuple[str, ...] = Field(
        default=(), description="Arguments for the image's entry point."
    )
    entrypoint: tuple[str, ...] = Field(
        default=(), description="Another entry point than the image's."
    )
    env: dict[Variable, Text] = Field(
        default={}, description="Environment variables. Not for secrets."
    )
    secrets: dict[Name, Secret] = Field(
        default={}, description="Secrets, each the file /run/secrets/NAME."
    )
    bind: tuple[Name, ...] = Field(
        default=(),
        description="Apps that this one uses: `bind: [db]` gives DB_HOST, DB_PORT, DB_URL and the "
        "credential file that db provides.",
    )
    provides: Provides | None = Field(
        default=None, description="What apps that bind to this one are told."
    )
    port: Port | None = Field(default=None, description="The port that the app listens on.")
    routes: tuple[Route, ...] = Field(
        default=(),
        description="Where the edge sends requests from: `/` is APP.ENVIRONMENT.DOMAIN/, `/shop` "
        "a path of it, `www.example.org/` another host.",
    )
    health: Health | None = Field(default=None, description="How it is known that a task is well.")
    metrics: Metrics | None = Field(
        default=None, description="Measurements of its own, for Prometheus: {path: /metrics}."
    )
    replicas: int = Field(default=1, ge=0, le=500, description="How many tasks run.")
    elastic: Elastic | None = Field(
        default=None,
        description="How many tasks run, by what the app is asked, in place of `replicas`.",
    )
    limits: Resources = Field(
        default=Resources(cpus=1.0, memory=256 << 20), description="What one task may use at most."
    )
    reserve: Resources = Field(
        default=Resources(cpus=0.05, memory=32 << 20), description="What one task is sure to get."
    )
    placement: Placement = Field(default=Placement(), description="Which hosts may run it.")
    volumes: tuple[Volume, ...] = Field(
        default=(),
        description="Volumes. An app with a volume lives on one host (`placement.host`, else "
        "manager-1) and is released by `recreate`.",
    )
    edge: EdgeRules = Field(default=EdgeRules(), description="Limits at the edge.")
    strategy: Strategy | None = Field(
        default=None,
        description="How a new release takes over: `rolling` task by task, `blue-green` all at once, "
        "`canary` by measured steps, `recreate` after the old one has stopped. Default: `recreate` "
        "with a volume, else `rolling`.",
    )
    surge: Surge = Field(
        default="25%",
        description="Tasks above `replicas` that may run during a rolling release; 100% doubles the app.",
    )
    smoke: Smoke | None = Field(
        default=None, description="What a blue-green release must pass before it gets requests."
    )
    canary: Canary = Field(
        default=Canary(), description="The steps of a canary, and when it is good."
    )
    keep: int = Field(
        default=3,
        ge=0,
        le=20,
        description="Earlier releases that are kept, without tasks, to go back to at once.",
    )
    user: str | None = Field(
        default=None,
        title="user or user:group",
        pattern=r"^[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)?$",
        description="The user that the container runs as.",
    )
    read_only: bool = Field(
        default=False,
        description="Whether the container's root file system is read-only (/tmp stays writable).",
    )
    stop_grace: Seconds = Field(
        default=10, description="Seconds between asking a task to stop and killing it."
    )
    drain: Seconds = Field(
        default=30,
        description="Seconds that requests to an old release may take to finish before it is "
        "stopped.",
    )
    start_timeout: Seconds = Field(
        default=300,
        description="Seconds after which a release that is not healthy fails the update.",
    )

    @property
    def releases_by(self) -> Strategy:
        """How a change is released: an app with a volume of its own is stopped first."""
        return self.strategy or ("recreate" if self.volumes else "rolling")

    @property
    def first_tasks(self) -> int:
        """How many tasks the app starts with."""
        return self.elastic.min if self.elastic else self.replicas

    @property
    def home(self) -> str | None:
        """The one host that the app must run on, if there is one."""
        return self.placement.host or ("manager-1" if self.volumes else None)

    def hosts_of_routes(
        self, name: str, environment: str, domain: str
    ) -> list[tuple[HostName, str]]:
        """Each route as (host, path); the path starts with a slash."""
        own = f"{name}.{environment}.{domain}"
        return [(r.partition("/")[0] or own, "/" + r.partition("/")[2]) for r in self.routes]
