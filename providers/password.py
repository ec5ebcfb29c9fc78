"""A password that is made up once and then kept in the state, as a secret."""

from typing import Any

import pulumi
from pulumi.dynamic import Resource

from providers.delegate import Delegate


class Password(Resource, module="horcrux", name="Password"):
    """`value`, and `bcrypt` of it for htpasswd files; both secret."""

    value: pulumi.Output[str]
    bcrypt: pulumi.Output[str]

    def __init__(self, name: str, length: int, opts: pulumi.ResourceOptions) -> None:
        opts = pulumi.ResourceOptions.merge(
            opts, pulumi.ResourceOptions(additional_secret_outputs=["value", "bcrypt"])
        )
        props = {"length": length, "value": None, "bcrypt": None}
        super().__init__(Delegate("providers.password"), name, props, opts)


def create(props: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Letters and digits only: such a value needs no quoting anywhere."""
    import secrets
    import string

    import bcrypt

    alphabet = string.ascii_letters + string.digits
    value = "".join(secrets.choice(alphabet) for _ in range(int(props["length"])))
    hashed = bcrypt.hashpw(value.encode(), bcrypt.gensalt(rounds=10)).decode()
    return "password", {**props, "value": value, "bcrypt": hashed}


def diff(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Another length is another password."""
    return ["length"] if old["length"] != new["length"] else []
