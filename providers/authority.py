"""The environment's own certificate authority."""

from typing import Any

import pulumi
from pulumi.dynamic import Resource

from providers.delegate import Delegate

VALID_DAYS = 3650  # as long as an environment may live; hosts are told of a new one by replacement


class Authority(Resource, module="horcrux", name="Authority"):
    """A CA: `certificate` (PEM) and `key` (PEM, secret)."""

    certificate: pulumi.Output[str]
    key: pulumi.Output[str]

    def __init__(self, name: str, common_name: str, opts: pulumi.ResourceOptions) -> None:
        opts = pulumi.ResourceOptions.merge(
            opts, pulumi.ResourceOptions(additional_secret_outputs=["key"])
        )
        props = {"common_name": common_name, "certificate": None, "key": None}
        super().__init__(Delegate("providers.authority"), name, props, opts)


def create(props: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Make key and certificate."""
    from providers.x509 import self_signed

    certificate, key = self_signed(props["common_name"], VALID_DAYS)
    return props["common_name"], {**props, "certificate": certificate, "key": key}


def diff(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Another name is another authority."""
    return ["common_name"] if old["common_name"] != new["common_name"] else []
