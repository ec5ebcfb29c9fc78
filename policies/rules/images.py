"""Images are named by digest: what runs is what was previewed, on every host, for ever."""

import re
from collections.abc import Iterator

from policies.known import at
from policies.rule import Rule
from policies.views import CONTAINER, SERVICE, Resource

PINNED = re.compile(r"[^@\s]+@sha256:[0-9a-f]{64}")
IMAGE_ID = re.compile(r"(sha256:)?[0-9a-f]{64}")


def check(resource: Resource) -> Iterator[str]:
    """A service needs a digest; a container may also name an image of this machine by its id."""
    image = at(resource.container if resource.kind == SERVICE else resource.props, "image")
    if not isinstance(image, str) or PINNED.fullmatch(image):
        return
    mend = resource.setting("image", "its declaration")
    if IMAGE_ID.fullmatch(image):
        if resource.kind == SERVICE:
            yield (
                f"{resource.title} runs the image id {image[:19]}…, which only the host that "
                f"built it knows; push it to the registry and write NAME@sha256:… in {mend}"
            )
        return
    tag = image.rpartition("/")[2].partition(":")[2]
    told = "has a tag that moves with every push" if tag in ("", "latest") else "has no digest"
    yield (
        f"{resource.title} runs {image!r}, which {told}: two hosts may run two different images; "
        f"write NAME@sha256:… in {mend}"
    )


IMAGE_DIGEST = Rule(
    id="image-digest",
    title="Images are named by digest, never by a tag alone.",
    remedy="`NAME@sha256:…` in `apps.APP.image`",
    kinds=(SERVICE, CONTAINER),
    check=check,
)
