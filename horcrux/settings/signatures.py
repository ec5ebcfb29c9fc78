"""Whose signatures images need."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from horcrux.settings.fields import Model, described

PATTERN = re.compile(r"[a-z0-9*?._/:-]+")


def _pattern(value: str) -> str:
    if not PATTERN.fullmatch(value):
        raise ValueError(f"{value!r} is not a pattern of images: quay.io/acme/*, registry/shop, *")
    if ":443/" in value:
        raise ValueError(f"{value!r}: leave :443 away, images' names are compared without it")
    return value


def _key(value: str) -> str:
    from horcrux.signatures.signing_keys import public

    public(value)
    return value


def _some(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value:
        raise ValueError("is empty, so nobody could sign: write a public key")
    return value


ImagePattern = Annotated[
    str, AfterValidator(_pattern), described("pattern", pattern=f"^{PATTERN.pattern}$")
]
Key = Annotated[str, AfterValidator(_key), described("public key")]


class SignatureRule(Model):
    """Images that need a signature, and by whom."""

    images: ImagePattern = Field(
        description="Which: a pattern with * and ? of their whole names without tag and digest: "
        "`docker.io/library/*`; the environment's own registry is called `registry`: `registry/shop`."
    )
    keys: Annotated[tuple[Key, ...], AfterValidator(_some)] = Field(
        json_schema_extra={"minItems": 1},
        description="Public keys (PEM, as in cosign.pub): a signature by one of them is enough.",
    )
