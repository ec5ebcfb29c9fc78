"""Secrets: never as plain environment values, where `docker inspect` and every log shows them."""

from collections.abc import Iterator

from policies.rule import Rule
from policies.secret_names import names_secret
from policies.secret_values import secret_in
from policies.views import CONTAINER, SERVICE, Resource, variables


def check(resource: Resource) -> Iterator[str]:
    """No variable holds a secret, by its name or by its value. Messages never show the value."""
    for name, value in variables(resource).items():
        found = "a secret, by its name" if names_secret(name, value) else secret_in(value, name)
        if found:
            yield f"{_where(resource, name)} holds {found}; {_remedy(resource)}"


def _where(resource: Resource, name: str) -> str:
    if resource.app:
        return f"`apps.{resource.app}.env.{name}`"
    return f"{resource.title}: the variable {name}"


def _remedy(resource: Resource) -> str:
    if not resource.app:
        return "give it as a Swarm secret or a file"
    return (
        f"name it in `apps.{resource.app}.secrets`, set it with "
        f"`horcrux secrets set {resource.app} NAME`, and read the file /run/secrets/NAME"
    )


NO_PLAIN_SECRETS = Rule(
    id="no-plain-secrets",
    title="No environment variable holds a secret.",
    remedy="`apps.APP.secrets` and `horcrux secrets set APP NAME`",
    kinds=(SERVICE, CONTAINER),
    check=check,
)
