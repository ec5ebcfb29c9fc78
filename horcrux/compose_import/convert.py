"""The whole of an import: a Compose file's text in, `apps:` and notes out."""

from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from pathlib import PurePath, PurePosixPath
from typing import Any, NamedTuple

from horcrux.compose_import.context import Context
from horcrux.compose_import.credentials import add_credentials, settle_secrets, share_secrets
from horcrux.compose_import.deploy import LIMITS
from horcrux.compose_import.document import FLATTEN, load
from horcrux.compose_import.draft import Draft
from horcrux.compose_import.extends import flattened
from horcrux.compose_import.hosts import follow_names
from horcrux.compose_import.interpolation import Missing, interpolated
from horcrux.compose_import.links import add_bindings, add_provided, settle_volumes
from horcrux.compose_import.names import app_names, volume_names
from horcrux.compose_import.notes import ComposeError, Notes
from horcrux.compose_import.service import drafted
from horcrux.compose_import.unsupported import CARRIED
from horcrux.compose_import.values import flag, mapping
from horcrux.compose_import.volumes import named_volumes
from horcrux.settings import App
from horcrux.settings.fields import shown_size


class Imported(NamedTuple):
    """The apps as plain data for a stack file, and what the user should know, a line each."""

    apps: dict[str, Any]
    notes: list[str]


def convert(
    text: str,
    folder: str | PathLike[str] = ".",
    variables: Mapping[str, str] | None = None,
) -> Imported:
    """The apps of a Compose file.

    `folder` is where the file is, relative to the project: builds refer to it. `variables` are
    those of the shell and of `.env`, which `${…}` in the file stands for. Nothing is read.
    Raises ComposeError if the text is not a Compose file.
    """
    try:
        return _convert(
            load(text), PurePosixPath(PurePath(fspath(folder)).as_posix()), variables or {}
        )
    except RecursionError:
        raise ComposeError("file", "contains itself; take the circle of anchors out") from None


def _convert(
    document: dict[str, Any], folder: PurePosixPath, variables: Mapping[str, str]
) -> Imported:
    notes, missing = Notes(), list[Missing]()
    document = {k: v for k, v in document.items() if not str(k).startswith("x-")}
    document = interpolated(document, "", variables, missing)
    services = flattened(document["services"], notes)
    context = Context(
        folder=folder,
        variables=variables,
        missing={m.path: m.variable for m in missing},
        secrets=mapping(document.get("secrets"), "secrets"),
        app_names=app_names(services),
        volume_names=volume_names(named_volumes(services)),
        notes=notes,
    )
    _note_top_level(document, context)
    drafts = [drafted(name, service, context) for name, service in services.items()]
    _relate(drafts, notes)
    _note_missing(drafts, missing, notes)
    _note_memory(drafts, notes)
    return Imported(
        {draft.name: _ordered(draft.app) for draft in drafts}, notes.ordered(list(services))
    )


def _relate(drafts: Sequence[Draft], notes: Notes) -> None:
    """What services have to do with one another. Each step needs those before it."""
    add_bindings(drafts, notes)
    follow_names(drafts, notes)
    for draft in drafts:
        add_credentials(draft)
    add_provided(drafts)
    share_secrets(drafts, notes)
    for draft in drafts:
        settle_secrets(draft, notes)
    settle_volumes(drafts, notes)


def _note_top_level(document: Mapping[str, Any], context: Context) -> None:
    if document.get("include"):
        context.notes.add("include", f"other files are not read; {FLATTEN}")
    volumes = mapping(document.get("volumes"), "volumes")
    for name, new in context.volume_names.items():
        volume = mapping(volumes.get(name), f"volumes.{name}")
        if new != name:
            context.notes.add(f"volumes.{name}", f"is now the volume {new}")
        if flag(volume.get("external")) or isinstance(volume.get("external"), dict):
            what = f"is there already for Compose; {new} begins empty, so copy its data to it"
            context.notes.add(f"volumes.{name}", what)
        if volume.get("driver_opts") or volume.get("driver", "local") != "local":
            what = f"its driver is not carried over; {new} is a folder on one host"
            context.notes.add(f"volumes.{name}", what)


def _note_missing(drafts: Sequence[Draft], missing: Sequence[Missing], notes: Notes) -> None:
    """Variables that are not set, where they matter: not in secrets, nor in what is left out."""
    secrets = {path for draft in drafts for path in draft.secret_paths}
    for path, variable in missing:
        service = next((d for d in drafts if path.startswith(f"{d.path}.")), None)
        key = path.removeprefix(f"{service.path}.").partition(".")[0] if service else ""
        if key.partition("[")[0] in CARRIED and path not in secrets:
            what = f"the variable {variable} is not set and has no default, so nothing stands there"
            notes.add(path, what)


def _note_memory(drafts: Sequence[Draft], notes: Notes) -> None:
    unlimited = [draft.name for draft in drafts if "limits" not in draft.app]
    if unlimited:
        what = f"no memory limit for {', '.join(unlimited)}; here each task has at most"
        notes.add("services", f"{what} {shown_size(LIMITS.memory)} unless `limits` says otherwise")


def _ordered(app: Mapping[str, Any]) -> dict[str, Any]:
    """The app's settings in the order of the reference, without what says nothing."""
    said = {key: value for key, value in app.items() if value not in ([], {}, None)}
    return {key: said[key] for key in App.model_fields if key in said}
