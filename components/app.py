"""An application: its secrets, its release as a Swarm service, and the rollout that leads to it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_docker as docker

from components import app_spec
from components.app_image import AppImage
from components.cluster import Cluster
from components.edge import Edge
from components.environment import Component, as_list
from components.supply import Supply
from components.swarm_secret import SwarmSecret, fingerprint
from horcrux.settings import App as AppSettings
from horcrux.settings import Settings, SettingsError
from providers.password import Password
from providers.rollout import Rollout


@dataclass
class Platform:
    """What apps run on, and what earlier apps have to offer to those that bind to them."""

    settings: Settings
    cluster: Cluster
    supply: Supply
    edge: Edge
    secret_values: Mapping[str, Mapping[str, str]]
    secrets: dict[tuple[str, str], SwarmSecret] = field(default_factory=dict)
    versions: dict[tuple[str, str], str] = field(default_factory=dict)
    rollouts: dict[str, Rollout] = field(default_factory=dict)


class App(Component):
    """One app of an environment. Apps that others bind to are made before those."""

    def __init__(self, name: str, app: AppSettings, image: AppImage, platform: Platform) -> None:
        super().__init__(f"app-{name}")
        self._name, self._app, self._platform = name, app, platform
        for secret in app.secrets:
            self._make_secret(secret)
        files = app_spec.secret_files(name, app, platform.settings.apps)
        versions = [platform.versions[f.key] for f in files]
        self.release = app_spec.release_of(
            name, app, platform.settings.apps, image.identity, versions
        )
        service = self._service(image, files)
        self.rollout = self._rollout(service, image)
        platform.rollouts[name] = self.rollout
        self.register_outputs({})

    def _service(self, image: AppImage, files: list[app_spec.SecretFile]) -> docker.Service:
        name, app, platform = self._name, self._app, self._platform
        recreate = app.releases_by == "recreate"
        own_name = name if recreate else f"{name}-{self.release}"
        labels = platform.cluster.environment.labels(app=name)
        container = {
            **app_spec.container_of(app),
            "image": image.reference,
            "env": app_spec.environment_of(name, app, platform.settings.apps, self.release),
            "labels": as_list({**labels, "horcrux.release": self.release}),
            "mounts": [_labelled(mount, labels) for mount in app_spec.mounts_of(app)],
            "secrets": [platform.secrets[f.key].file(f.file) for f in files],
        }
        return docker.Service(
            own_name,
            name=own_name,
            labels=as_list(self._labels()),
            auth=image.auth,
            # A new release is started by its rollout, task by task.
            mode={"replicated": {"replicas": app.replicas if recreate else 0}},
            task_spec={
                "container_spec": container,
                "networks_advanceds": [{"id": platform.cluster.network.id, "aliases": [name]}],
                "resources": app_spec.resources_of(app),
                "restart_policy": app_spec.RESTART,
                **app_spec.placement(app_spec.constraints_of(app)),
            },
            update_config={"parallelism": 1, "order": "stop-first" if recreate else "start-first"},
            endpoint_spec={"mode": "dnsrr"},
            opts=platform.cluster.object(
                self,
                depends_on=[platform.edge, *image.through],
                # Earlier releases stay until the rollout removes them.
                retain_on_delete=True,
                # What a release's service has beside its tasks' specification is the rollout's.
                ignore_changes=[] if recreate else ["mode", "labels", "auth"],
            ),
        )

    def _labels(self) -> dict[str, str]:
        """What control and the edges are told of the app; it changes without a task being restarted."""
        settings, app = self._platform.settings, self._app
        environment = self._platform.cluster.environment
        labels = environment.labels(app=self._name, release=self.release)
        if app.metrics:
            labels["horcrux.metrics"] = app_spec.metrics_label(app)
        if app.routes:
            labels["horcrux.edge"] = app_spec.edge_label(
                self._name, app, environment.name, settings.domain
            )
        if app.elastic:
            labels["horcrux.elastic"] = app_spec.elastic_label(app.elastic)
        return labels

    def _rollout(self, service: docker.Service, image: AppImage) -> Rollout:
        name, app, platform = self._name, self._app, self._platform
        plan: dict[str, Any] = {
            "environment": platform.cluster.environment.name,
            "app": name,
            "service": service.name,
            "release": self.release,
            "image": image.reference,
            "replicas": app.first_tasks,
            "elastic": app_spec.bounds_of(app.elastic),
            "labels": self._labels(),
            "routed": bool(app.routes),
            "strategy": app.releases_by,
            "walk": json.dumps(app_spec.walk_of(app), sort_keys=True),
            "keep": app.keep,
            "drain": app.drain,
            "start_timeout": app.start_timeout,
            "settings": app.model_dump(mode="json", exclude_defaults=True),
            "access": platform.cluster.access,
            "auth": image.auth or {},
        }
        needs = [service, *(platform.rollouts[other] for other in app.bind)]
        return Rollout(name, plan, platform.cluster.inside(self, depends_on=needs))

    def _make_secret(self, secret: str) -> None:
        name, platform = self._name, self._platform
        length = self._app.secrets[secret].generate
        if length:
            made = Password(f"{name}-{secret}-password", length, self.child())
            value, version = made.value, f"generated-{length}"
        else:
            given = platform.secret_values.get(name, {}).get(secret)
            if given is None:
                remedy = f"has no value; set it: horcrux secrets set {name} {secret}"
                raise SettingsError("the settings", [(f"apps.{name}.secrets.{secret}", remedy)])
            value, version = pulumi.Output.secret(given), fingerprint(given)
        key = (name, secret)
        platform.versions[key] = version
        platform.secrets[key] = SwarmSecret(
            f"{name}-{secret}", platform.cluster, self, value, version, app=name
        )


def _labelled(mount: dict[str, Any], labels: dict[str, str]) -> dict[str, Any]:
    """A mount whose volume, when it is made, carries the app's labels."""
    options = mount.get("volume_options")
    if not options:
        return mount
    return {**mount, "volume_options": {"labels": [*options["labels"], *as_list(labels)]}}
