"""What rules see of a resource: its kind, its properties, and what to call it in a message."""

from dataclasses import dataclass

from pulumi_policy import PolicyResource, ResourceValidationArgs

from policies.known import UNKNOWN, Value, at, items, label, plain

CONTAINER = "docker:index/container:Container"
SERVICE = "docker:index/service:Service"
VOLUME = "docker:index/volume:Volume"
STACK = "pulumi:pulumi:Stack"
# The kinds of pulumi-docker that can carry labels; images, tags and plugins cannot.
LABELLED = (
    CONTAINER,
    SERVICE,
    VOLUME,
    "docker:index/network:Network",
    "docker:index/secret:Secret",
    "docker:index/serviceConfig:ServiceConfig",
)


@dataclass(frozen=True)
class Resource:
    """One resource of a stack, as it is about to be (or, for a rule on stacks, as it is)."""

    kind: str
    name: str
    props: Value
    protect: bool = False

    @classmethod
    def of(cls, given: ResourceValidationArgs | PolicyResource) -> "Resource":
        """The view of what Pulumi hands a policy."""
        return cls(given.resource_type, given.name, plain(given.props), given.opts.protect)

    def label(self, name: str) -> Value:
        """The value of `horcrux.NAME`: None if there is no such label, or UNKNOWN."""
        return label(self.props, f"horcrux.{name}")

    @property
    def container(self) -> Value:
        """A service's container specification."""
        return at(self.props, "taskSpec", "containerSpec")

    @property
    def app(self) -> str | None:
        """The app that a service is a release of."""
        found = self.label("app")
        return found if isinstance(found, str) and found else None

    @property
    def platform(self) -> Value:
        """The role (`edge`, `control` …) of the platform's own services, None for others, or UNKNOWN.

        A release of an app is never the platform's, whatever labels it has besides.
        """
        if self.label("app") is not None:
            return None if self.app else UNKNOWN
        return self.label("platform")

    @property
    def is_host(self) -> Value:
        """Whether a container plays a host of the cluster, or UNKNOWN."""
        role = self.label("role")
        return role if role is UNKNOWN else role in ("manager", "worker")

    @property
    def title(self) -> str:
        """What a message calls it."""
        if self.app:
            return f"app {self.app}"
        if isinstance(self.platform, str):
            return f"the platform's service {self.platform}"
        if self.kind == CONTAINER and self.is_host is True:
            return f"host {self.name}"
        return f"{self.kind.rpartition(':')[2]} {self.name}".lower()

    def setting(self, path: str, otherwise: str) -> str:
        """Where to mend it: a setting of the app, or `otherwise` for what has no settings."""
        return f"`apps.{self.app}.{path}`" if self.app else otherwise


def bind_sources(resource: Resource) -> list[str]:
    """The folders and files of the host that a service, container or volume reaches."""
    props = resource.props
    if resource.kind == VOLUME:
        return _texts([at(props, "driverOpts", "device")])
    mounts = items(resource.container if resource.kind == SERVICE else props, "mounts")
    found = [at(one, "source") for one in mounts if at(one, "type") == "bind"]
    found += [at(one, "volumeOptions", "driverOptions", "device") for one in mounts]
    for one in items(props, "volumes"):
        # Docker takes a volume's name that starts with a slash for a path of the host.
        found += [at(one, "hostPath"), at(one, "volumeName")]
    return [source for source in _texts(found) if source.startswith("/")]


def variables(resource: Resource) -> dict[str, str]:
    """The environment variables of a service or container whose values are known."""
    if resource.kind == SERVICE:
        given = at(resource.container, "env")
        known = given if isinstance(given, dict) else {}
        return {name: value for name, value in known.items() if isinstance(value, str)}
    lines = [line.partition("=") for line in _texts(items(resource.props, "envs"))]
    return {name: value for name, _, value in lines}


def _texts(values: list[Value]) -> list[str]:
    return [value for value in values if isinstance(value, str)]
