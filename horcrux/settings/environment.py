"""The settings of one environment as a whole."""

from typing import Literal

from pydantic import Field

from horcrux.settings.app import App
from horcrux.settings.fields import HostName, Model, Name, Text
from horcrux.settings.hosts import Hosts, Local
from horcrux.settings.images import Images, Registry
from horcrux.settings.monitoring import Monitoring


class Certificate(Model):
    """A certificate of the user's own for the edge, in place of the environment's CA."""

    certificate: str = Field(
        description="File with the certificate and its chain (PEM), relative to the project."
    )
    key: str = Field(
        description="Secret with the private key (PEM): `horcrux secrets set edge NAME`."
    )


class Edge(Model):
    """The HAProxy on every host through which all requests come."""

    tls: Certificate | None = Field(
        default=None,
        description="A certificate of your own. Default: one from the environment's CA.",
    )


class Policy(Model):
    """How a policy is enforced in this environment."""

    level: Literal["mandatory", "advisory", "disabled"] = Field(
        description="`mandatory` fails the preview, `advisory` warns."
    )
    reason: Text = Field(
        default="", description="Why it differs from the default: kept with the settings."
    )


class Settings(Model):
    """Everything that a stack file may say under `config:`, each key with the prefix `horcrux:`."""

    extends: Name | None = Field(
        default=None, description="Another environment whose settings these are laid over."
    )
    target: Literal["local"] = Field(default="local", description="Where the hosts come from.")
    domain: HostName = Field(
        default="localhost", description="Apps are reached as APP.ENVIRONMENT.DOMAIN."
    )
    hosts: Hosts = Field(default=Hosts(), description="The hosts.")
    local: Local = Field(
        default=Local(), description="For the local target: ports and network on this machine."
    )
    images: Images = Field(default=Images(), description="Images of other registries.")
    registry: Registry = Field(default=Registry(), description="The registry.")
    edge: Edge = Field(default=Edge(), description="The edge.")
    monitoring: Monitoring = Field(default=Monitoring(), description="Measurements and alerts.")
    apps: dict[Name, App] = Field(default={}, description="The applications, by name.")
    policies: dict[Name, Policy] = Field(
        default={}, description="Policies whose level differs from the default, by id."
    )
