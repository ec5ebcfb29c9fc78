"""Where images come from: the environment's registry, and the cache before other registries."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator, model_validator

from horcrux.settings.fields import Model, Name, Seconds, Size, described
from horcrux.settings.replica import Replica
from horcrux.settings.signatures import SignatureRule
from horcrux.settings.vulnerabilities import Vulnerabilities

UPSTREAM = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[0-9]{1,5})?")
URL = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?")
PATTERN = re.compile(r"[a-z0-9*?._/-]+")
TAG_PATTERN = re.compile(r"[a-z0-9*?._/-]+:[A-Za-z0-9*?._-]+")
HUB, HUB_URL = "docker.io", "https://registry-1.docker.io"
PLATFORM_ACCOUNTS = {"push", "pull", "metrics"}  # see components/targets/local/registry.py
PUBLIC = (HUB, "quay.io", "ghcr.io", "registry.k8s.io", "gcr.io", "mcr.microsoft.com")


def _matching(pattern: re.Pattern[str], wanted: str) -> AfterValidator:
    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise ValueError(f"{value!r} is not {wanted}")
        return value

    return AfterValidator(check)


def _upstream(value: str) -> str:
    if not UPSTREAM.fullmatch(value) or ("." not in value and ":" not in value):
        raise ValueError(
            f"{value!r} is not a registry's name as images have it: quay.io, host:5000"
        )
    return value


UpstreamName = Annotated[
    str, AfterValidator(_upstream), described("registry", pattern=f"^{UPSTREAM.pattern}$")
]
Url = Annotated[
    str,
    _matching(URL, "a registry's URL: write https://HOST, without a path"),
    described("URL", pattern=f"^{URL.pattern}$"),
]
Repositories = Annotated[
    str,
    _matching(PATTERN, "a pattern of repositories: shop, shop/*, *"),
    described("pattern", pattern=f"^{PATTERN.pattern}$"),
]
Tags = Annotated[
    str,
    _matching(TAG_PATTERN, "a pattern of repositories and tags: shop/*:v*, *:latest"),
    described("pattern", pattern=f"^{TAG_PATTERN.pattern}$"),
]


class Upstream(Model):
    """A registry that is cached."""

    enabled: bool = Field(default=True, description="Whether it is.")
    url: Url | None = Field(
        default=None,
        description="Where it is, when that is not https://NAME. Plain http only where you write it.",
    )
    ttl: Seconds | None = Field(
        default=None, description="In place of the cache's, for this registry's tags."
    )
    username: str | None = Field(
        default=None,
        min_length=1,
        description="An account there, for private images or a higher limit of pulls.",
    )
    password: Name | None = Field(
        default=None,
        description="Secret with its password or token: `horcrux secrets set images NAME`.",
    )

    @model_validator(mode="after")
    def _whole(self) -> "Upstream":
        if bool(self.username) != bool(self.password):
            raise ValueError("needs both of `username` and `password`, or neither")
        return self


class Cache(Model):
    """The cache on every manager through which hosts pull what other registries have."""

    enabled: bool = Field(
        default=True,
        description="Whether there is one. Without it hosts pull from where images are.",
    )
    size: Size = Field(
        default=20 << 30,
        ge=256 << 20,
        description="Disk that it may take on each manager; beyond it the longest unused goes first.",
    )
    ttl: Seconds = Field(
        default=3600,
        description="Seconds for which a tag is believed without asking its registry again. "
        "Content by digest never expires.",
    )
    upstreams: dict[UpstreamName, Upstream] = Field(
        default={},
        description="Further registries by their names in images, and what differs for the usual ones: "
        f"{', '.join(PUBLIC)}.",
    )

    @property
    def cached(self) -> dict[str, Upstream]:
        """The upstreams by name: the usual ones, and what the settings make of them."""
        named = {name: Upstream() for name in PUBLIC} | self.upstreams
        return {name: upstream for name, upstream in named.items() if upstream.enabled}


class Images(Model):
    """How images get to the hosts."""

    cache: Cache = Field(default=Cache(), description="The cache before other registries.")
    signatures: tuple[SignatureRule, ...] = Field(
        default=(),
        description="Images that are not deployed without a signature. An image that several of these are "
        "about needs one for each.",
    )
    vulnerabilities: Vulnerabilities = Field(
        default=Vulnerabilities(), description="Known vulnerabilities of what is in images."
    )


class Account(Model):
    """Somebody who may pull from the environment's registry, and push to it; its password is made up."""

    pull: tuple[Repositories, ...] = Field(
        default=(), description="Repositories that it may pull, with * and ?."
    )
    push: tuple[Repositories, ...] = Field(
        default=(), description="Repositories that it may push to, and pull from."
    )


class Registry(Model):
    """The environment's own registry."""

    accounts: dict[Name, Account] = Field(
        default={}, description="Accounts of teams and of pipelines, by name."
    )
    immutable: tuple[Tags, ...] = Field(
        default=("*:source-*", "*:image-*"),
        description="Tags (REPOSITORY:TAG, with * and ?) that never name anything else again.",
    )
    keep: int = Field(
        default=10,
        ge=1,
        le=1000,
        description="Images of each app that `horcrux images prune` leaves beside those in use.",
    )
    replica: Replica | None = Field(
        default=None,
        description="A second registry to which everything is copied, so that images survive the loss of "
        "the place. Default: none.",
    )

    @field_validator("accounts")
    @classmethod
    def _free(cls, accounts: dict[str, Account]) -> dict[str, Account]:
        if taken := sorted(PLATFORM_ACCOUNTS & accounts.keys()):
            raise ValueError(f"{taken[0]!r} is an account of the platform's own; take another name")
        return accounts


def url_of(name: str, upstream: Upstream) -> str:
    """Where an upstream is asked."""
    return upstream.url or (HUB_URL if name == HUB else f"https://{name}")
