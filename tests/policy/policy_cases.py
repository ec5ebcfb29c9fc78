"""Resources that pass every rule, and how a test has them judged as Pulumi would."""

import copy
from typing import Any

from pulumi_policy import (
    PolicyCustomTimeouts,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import unknown_checking_proxy

from policies.rule import AnyRule

CONTAINER = "docker:index/container:Container"
SERVICE = "docker:index/service:Service"
VOLUME = "docker:index/volume:Volume"
DIGEST = "sha256:" + "9f86d081884c7d65" * 4
Props = dict[str, Any]


def labels(**named: str) -> list[dict[str, str]]:
    """Labels as pulumi-docker has them; `app="web"` becomes horcrux.app."""
    return [{"label": f"horcrux.{name}", "value": value} for name, value in named.items()]


def service(**container: Any) -> Props:
    """A release of the app `web` that has routes and data; `container` is laid over its spec."""
    return {
        "name": "web-0a1b2c3d",
        "labels": labels(environment="dev", app="web", edge='{"port": 80, "check": "/"}'),
        "taskSpec": {
            "containerSpec": {
                "image": f"registry.dev.internal:5000/web@{DIGEST}",
                "env": {"MODE": "production"},
                "healthcheck": {"tests": ["CMD", "true"]},
                "mounts": [
                    {
                        "type": "volume",
                        "source": "files",
                        "target": "/data",
                        "volumeOptions": {"labels": labels(kind="data")},
                    }
                ],
                **container,
            },
            "networksAdvanceds": [{"name": "9o2jhd0a8w3k"}],
            "placement": {"constraints": ["node.hostname==manager-1"]},
            "resources": {"limits": {"memoryBytes": 268435456.0, "nanoCpus": 1e9}},
        },
        "endpointSpec": {"mode": "dnsrr", "ports": []},
    }


def platform(role: str, **container: Any) -> Props:
    """One of the platform's own services."""
    props = service(mounts=[], **container)
    props["labels"] = labels(environment="dev", platform=role)
    return props


def host(role: str = "manager", **more: Any) -> Props:
    """A host of the local target."""
    return {
        "name": "horcrux-dev-manager-1",
        "image": DIGEST,
        "memory": 4096.0,
        "labels": labels(environment="dev", role=role),
        "capabilities": {"adds": ["ALL"], "drops": ["SYS_RESOURCE"]},
        "envs": ["HORCRUX_ROLE=manager"],
        "networkMode": "bridge",
        "ports": [{"internal": 2376.0, "external": 8376.0, "ip": "127.0.0.1"}],
        "volumes": [{"containerPath": "/var/lib/docker", "volumeName": "horcrux-dev-manager-1"}],
        **more,
    }


def volume(kind: str = "data", **more: Any) -> Props:
    """A volume of an environment."""
    return {"name": "files", "labels": labels(environment="dev", kind=kind), **more}


def changed(props: Props, path: str, value: Any) -> Props:
    """A copy of `props` with another value at `path`, which is written `a.b.0.c`."""
    copied = copy.deepcopy(props)
    inner: Any = copied
    *way, last = path.split(".")
    for key in way:
        inner = inner[int(key) if isinstance(inner, list) else key]
    inner[int(last) if isinstance(inner, list) else last] = value
    return copied


def judge(rule: AnyRule, kind: str, props: Props, protect: bool = False) -> list[str]:
    """The messages of a rule on one resource."""
    policy, messages = rule.policy(), list[str]()
    if isinstance(policy, StackValidationPolicy):
        return judge_stack(rule, [(kind, props)])
    assert isinstance(policy, ResourceValidationPolicy)
    given = unknown_checking_proxy(props)
    args = ResourceValidationArgs(kind, given, f"urn:{kind}", "thing", _options(protect), None)
    policy.validate(args, lambda message, _: messages.append(message))
    return messages


def judge_stack(rule: AnyRule, resources: list[tuple[str, Props]]) -> list[str]:
    """The messages of a rule on a whole stack."""
    policy, messages = rule.policy(), list[str]()
    assert isinstance(policy, StackValidationPolicy)
    views = [
        PolicyResource(
            kind, unknown_checking_proxy(props), "urn", "thing", _options(), None, None, [], {}
        )
        for kind, props in resources
    ]
    policy.validate(StackValidationArgs(views), lambda message, _: messages.append(message))
    return messages


def _options(protect: bool = False) -> PolicyResourceOptions:
    return PolicyResourceOptions(protect, [], None, [], PolicyCustomTimeouts(0, 0, 0), [])
