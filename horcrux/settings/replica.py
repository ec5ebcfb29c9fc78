"""A second registry that has what the environment's has."""

import re
import ssl
from typing import Annotated

from pydantic import AfterValidator, Field

from horcrux.settings.fields import Model, Name, described

URL = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?")
PREFIX = re.compile(r"[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*")


def _url(value: str) -> str:
    if not URL.fullmatch(value):
        raise ValueError(f"{value!r} is not a registry's URL: write https://HOST, without a path")
    return value


def _prefix(value: str) -> str:
    if not PREFIX.fullmatch(value):
        raise ValueError(f"{value!r} does not begin a repository's name: write acme/dev")
    return value


def _certificate(value: str) -> str:
    try:
        ssl.create_default_context(cadata=value)
    except (ssl.SSLError, ValueError) as error:
        raise ValueError(
            "is not a certificate in PEM: write all of it, as a text of lines"
        ) from error
    return value


class Replica(Model):
    """A registry elsewhere to which everything is copied, and from which it comes back."""

    url: Annotated[str, AfterValidator(_url), described("URL", pattern=f"^{URL.pattern}$")] = Field(
        description="Where it is: https://HOST. Any registry will do that takes OCI images."
    )
    prefix: (
        Annotated[str, AfterValidator(_prefix), described("prefix", pattern=f"^{PREFIX.pattern}$")]
        | None
    ) = Field(
        default=None,
        description="Before the names of repositories there: shop is PREFIX/shop. Default: the "
        "environment's name.",
    )
    username: str = Field(min_length=1, description="An account that may push there, and pull.")
    password: Name = Field(
        description="Secret with its password or token: `horcrux secrets set images NAME`."
    )
    ca: Annotated[str, AfterValidator(_certificate)] | None = Field(
        default=None,
        description="Certificate (PEM) that its certificate is signed by. Default: the usual authorities.",
    )
