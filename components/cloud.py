"""An environment as a whole: settings → target → cluster → supply → edge → monitoring → apps."""

from collections.abc import Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import docker
import pulumi

from components.app import App, Platform
from components.app_image import AppImage, found, resolve
from components.cluster import Cluster
from components.control import Control
from components.edge import Edge
from components.environment import Environment
from components.grafana import Grafana
from components.image_cache import ImageCache
from components.image_policy import ImagePolicy
from components.images import Images
from components.monitoring import Monitoring
from components.supply import Supply
from components.targets.local import LocalTarget
from components.targets.target import Target
from horcrux.settings import Settings, SettingsError

FORMAT = 1  # of the stack's outputs, which the `horcrux` command reads


class Cloud:
    """Everything of one environment; `outputs` is what the stack exports."""

    def __init__(
        self,
        environment: Environment,
        settings: Settings,
        secrets: Mapping[str, Mapping[str, str]],
        engine: docker.DockerClient,
        engine_address: str,
    ) -> None:
        """`secrets`: the values set by the user, by app and name; `engine`: this machine's."""
        self._environment, self._settings, self._engine = environment, settings, engine
        images = Images(environment)
        self._target: Target = LocalTarget(
            environment, settings, images, engine_address, secrets.get("images", {})
        )
        cluster = Cluster(environment, self._target)
        self._supply = Supply(self._target.registry, self._target.authority["certificate"])
        supply = self._supply
        self._cache = self._made_cache(cluster, images, secrets.get("images", {}))
        self._policy = ImagePolicy(settings.images, supply, self._cache, environment.project)
        self._control = Control(
            cluster, self._target, images, supply, settings, secrets.get("monitoring", {})
        )
        certificate = self._certificate(secrets)
        edge = Edge(
            cluster, self._target, images, supply, self._control, certificate, settings.domain
        )
        self._grafana: Grafana | None = None
        if settings.monitoring.enabled:
            Monitoring(cluster, self._target, images, supply, self._control, settings.monitoring)
            self._grafana = self._made_grafana(cluster)
        self._pulled: dict[str, AppImage] = {}
        self._platform = Platform(settings, cluster, self._supply, edge, secrets)
        for name in _bound_first(settings):
            app = settings.apps[name]
            image = resolve(
                name, app, images, supply, self._cache, engine, Path(environment.project)
            )
            self._pulled[name] = image
            App(name, app, self._policy.vetted(name, image), self._platform)

    def outputs(self) -> dict[str, Any]:
        """Name to value: what the command and other programs read of the stack."""
        rollouts = self._platform.rollouts
        cache = self._cache
        return {
            "format": FORMAT,
            "environment": self._environment.name,
            "target": self._settings.target,
            "urls": {name: self._urls(name) for name in self._settings.apps},
            "endpoints": self._endpoints(),
            "releases": {
                name: {
                    "number": r.number,
                    "history": r.history,
                    "parked": r.parked,
                    "declared": r.declared,
                }
                for name, r in rollouts.items()
            },
            "access": pulumi.Output.secret(self._target.access),
            "portal": pulumi.Output.secret(self._control.portal),
            "grafana": pulumi.Output.secret(self._grafana.access if self._grafana else None),
            "registry": pulumi.Output.secret(
                {**self._supply.access, "accounts": self._target.registry.accounts}
            ),
            "cache": pulumi.Output.secret(cache.access if cache else None),
            "images": {
                name: {"written": image.written, "pulled": image.reference}
                for name, image in self._pulled.items()
            },
            "ca": self._target.authority["certificate"],
        }

    def _urls(self, name: str) -> list[str]:
        app, domain = self._settings.apps[name], self._settings.domain
        routes = app.hosts_of_routes(name, self._environment.name, domain)
        return [
            self._target.url(host, path, scheme)
            for host, path in routes
            for scheme in ("http", "https")
        ]

    def _endpoints(self) -> dict[str, Any]:
        own = {name: urls[0] for name in self._settings.apps if (urls := self._urls(name))}
        return {
            **own,
            "portal": self._control.portal["url"],
            "registry": self._supply.access["url"],
        }

    def _made_cache(
        self, cluster: Cluster, images: Images, secrets: Mapping[str, str]
    ) -> ImageCache | None:
        """Where the settings want one."""
        wanted = self._settings.images.cache
        if not wanted.enabled:
            return None
        return ImageCache(cluster, self._target, images, self._supply, wanted, secrets)

    def _made_grafana(self, cluster: Cluster) -> Grafana | None:
        """Where the settings name an image of it."""
        wanted = self._settings.monitoring.grafana
        if wanted is None:
            return None
        setting = "monitoring.grafana.image"
        image = found("grafana", wanted.image, setting, self._supply, self._cache, self._engine)
        vetted = self._policy.vetted("grafana", image)
        domain = self._settings.domain
        return Grafana(cluster, self._target, self._supply, self._control, vetted, domain)

    def _certificate(self, secrets: Mapping[str, Mapping[str, str]]) -> pulumi.Output[str] | None:
        """The user's own certificate with its key (PEM), when the settings name one."""
        own = self._settings.edge.tls
        if own is None:
            return None
        path = Path(self._environment.project, own.certificate)
        key = secrets.get("edge", {}).get(own.key)
        findings = []
        if not path.is_file():
            findings.append(
                ("edge.tls.certificate", f"there is no file {own.certificate!r} in the project")
            )
        if key is None:
            findings.append(
                ("edge.tls.key", f"has no value; set it: horcrux secrets set edge {own.key}")
            )
        if findings:
            raise SettingsError("the settings", findings)
        return pulumi.Output.secret(f"{path.read_text()}\n{key}")


def _bound_first(settings: Settings) -> list[str]:
    """The apps' names, each after those that it binds to."""
    graph = {name: app.bind for name, app in settings.apps.items()}
    return list(TopologicalSorter(graph).static_order())
