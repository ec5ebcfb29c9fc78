"""Labels: what belongs to an environment says so, so that it is found again without its state."""

from collections.abc import Iterator

from policies.rule import Rule
from policies.views import LABELLED, Resource


def check(resource: Resource) -> Iterator[str]:
    """Every Docker object that can carry labels names its environment."""
    if resource.label("environment") in (None, ""):
        yield (
            f"{resource.title} has no label horcrux.environment: clean-up and recovery look for "
            "it when the state is lost; add it where the resource is declared"
        )


ENVIRONMENT_LABEL = Rule(
    id="environment-label",
    title="Every Docker resource has the label horcrux.environment.",
    remedy="add the label",
    kinds=LABELLED,
    check=check,
)
