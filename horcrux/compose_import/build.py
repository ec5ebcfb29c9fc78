"""`image` and `build`: where the image comes from."""

import posixpath
import re
from typing import Any

from horcrux.compose_import.context import Context
from horcrux.compose_import.document import FLATTEN
from horcrux.compose_import.draft import Draft
from horcrux.compose_import.notes import ComposeError
from horcrux.compose_import.secret_values import is_secret
from horcrux.compose_import.values import entries, mapping, scalar
from horcrux.settings.fields import VARIABLE

REMOTE = re.compile(r"[a-z+]+://|git@|github\.com/|docker-image:")
CARRIED = ("context", "dockerfile", "args")
SENTENCES = {
    "dockerfile_inline": "is not carried over; write it to a Dockerfile in the folder",
    "target": "is not carried over; the last stage of the Dockerfile is built",
    "secrets": "is not carried over; what needs a secret is to be done at start, not in the build",
    "ssh": "is not carried over; put what it fetches into the folder",
    "additional_contexts": "is not carried over; put what the Dockerfile needs into the folder",
}
HARMLESS = ("cache_from", "cache_to", "labels", "no_cache", "platforms", "pull", "shm_size", "tags")


def add_image(draft: Draft, service: dict[str, Any], context: Context) -> None:
    """The image, or the folder that it is built from. One of them there must be."""
    if service.get("build"):
        draft.app["build"] = _build(draft, service["build"], context)
        return
    path = f"{draft.path}.image"
    image = scalar(service.get("image") or "", path).strip()
    if image.endswith(":"):  # of `web:${TAG}` without a TAG
        image = image.rstrip(":")
    if image:
        draft.app["image"] = image
        return
    if variable := context.missing.get(path):
        raise ComposeError(path, f"is empty, for {variable} is not set; set it and import again")
    help_ = FLATTEN if service.get("extends") else "add one, or take the service out"
    raise ComposeError(draft.path, f"has neither `image` nor `build`; {help_}")


def _build(draft: Draft, value: Any, context: Context) -> dict[str, Any]:
    path = f"{draft.path}.build"
    given = mapping(value, path) if isinstance(value, dict) else {"context": value}
    folder = scalar(given.get("context") or ".", f"{path}.context")
    build: dict[str, Any] = {"context": _folder(draft, folder, f"{path}.context", context)}
    if given.get("dockerfile"):
        build["dockerfile"] = scalar(given["dockerfile"], f"{path}.dockerfile")
    if args := _arguments(given.get("args"), f"{path}.args", context):
        build["args"] = args
    for key in given.keys() - {*CARRIED, *HARMLESS}:
        sentence = SENTENCES.get(key, "is not carried over; Horcrux has no such setting")
        context.notes.add(f"{path}.{key}", sentence)
    return build


def _folder(draft: Draft, folder: str, path: str, context: Context) -> str:
    """The folder relative to the project, which is where Horcrux looks."""
    if REMOTE.match(folder):
        context.notes.add(
            path, f"is not a folder; put what is there into the project as {draft.name}"
        )
        return draft.name
    place = posixpath.normpath(posixpath.join(context.folder.as_posix(), folder))
    if not place.startswith(("..", "/", "~")):
        return place
    inside = place.rpartition("/")[2].lstrip("~.") or draft.name
    context.notes.add(path, f"{folder} is outside the project; put it there as {inside}")
    return inside


def _arguments(value: Any, path: str, context: Context) -> dict[str, str]:
    args: dict[str, str] = {}
    for entry in entries(value, path):
        text = entry.value if entry.value is not None else context.variables.get(entry.key)
        if is_secret(entry.key, text or ""):
            what = "looks like a secret, which the image would keep for all to see; it is left out"
            context.notes.add(entry.path, what)
        elif text is None or not VARIABLE.fullmatch(entry.key):
            context.notes.add(entry.path, "has no value here; it is left out")
        else:
            args[entry.key] = text
    return args
