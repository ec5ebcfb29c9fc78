"""What every component must know of the environment that it belongs to."""

from dataclasses import dataclass

import pulumi

TYPE = "horcrux:index:{}"


@dataclass(frozen=True)
class Environment:
    """An environment's name, the folder that it is run from, and the labels of its objects."""

    name: str
    project: str

    def object_name(self, name: str) -> str:
        """The name of a Docker object on a machine that other environments share."""
        return f"horcrux-{self.name}-{name}"

    def labels(self, **extra: str) -> dict[str, str]:
        """The labels of a Docker object; `role="manager"` becomes `horcrux.role`."""
        return {"horcrux.environment": self.name, **{f"horcrux.{k}": v for k, v in extra.items()}}

    def label_list(self, **extra: str) -> list[dict[str, str]]:
        """The same in the form that pulumi-docker wants, with the folder that the object is run from."""
        return as_list(self.labels(project=self.project, **extra))


def as_list(labels: dict[str, str]) -> list[dict[str, str]]:
    """Labels in the form that pulumi-docker wants."""
    return [{"label": key, "value": value} for key, value in labels.items()]


class Component(pulumi.ComponentResource):
    """A component whose type is named by its class."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(TYPE.format(type(self).__name__), name, None, opts)

    def child(self, **options: object) -> pulumi.ResourceOptions:
        """Options of a child: its parent and nothing merged."""
        return pulumi.ResourceOptions(parent=self, **options)  # type: ignore[arg-type]
