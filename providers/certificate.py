"""A certificate that the environment's authority has signed."""

from typing import Any

import pulumi
from pulumi.dynamic import Resource

from providers.delegate import Delegate

VALID_DAYS = 397  # what browsers accept at most from a server
RENEW_DAYS = 60  # renewed by the first update in the last two months


class Certificate(Resource, module="horcrux", name="Certificate"):
    """`certificate` (PEM, with the CA's behind it) and `key` (PEM, secret)."""

    certificate: pulumi.Output[str]
    key: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        authority: dict[str, pulumi.Input[str]],
        usage: str,
        names: list[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """`authority`: certificate and key; `usage`: server or client; `names`: host names and addresses."""
        opts = pulumi.ResourceOptions.merge(
            opts, pulumi.ResourceOptions(additional_secret_outputs=["key"])
        )
        props = {
            "authority": authority,
            "usage": usage,
            "names": names,
            "certificate": None,
            "key": None,
            "renew_after": None,
        }
        super().__init__(Delegate("providers.certificate"), name, props, opts)


def create(props: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Make key and certificate."""
    return props["names"][0], _issued(props)


def diff(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Other names, another authority, or soon to expire."""
    import time

    changed = any(old[k] != new[k] for k in ("usage", "names")) or (
        old["authority"]["certificate"] != new["authority"]["certificate"]
    )
    return changed or time.time() > float(old["renew_after"])


def update(_old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """A new key and certificate."""
    return _issued(new)


def _issued(props: dict[str, Any]) -> dict[str, Any]:
    import time

    from providers.x509 import signed

    authority = props["authority"]
    certificate, key = signed(
        authority["certificate"], authority["key"], props["names"], props["usage"], VALID_DAYS
    )
    renew_after = time.time() + (VALID_DAYS - RENEW_DAYS) * 86400
    return {
        **props,
        "certificate": certificate + authority["certificate"],
        "key": key,
        "renew_after": renew_after,
    }
