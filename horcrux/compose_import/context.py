"""What the conversion of one service knows of the file around it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from horcrux.compose_import.notes import Notes


@dataclass(frozen=True)
class Context:
    """The file around a service: its folder, its top-level sections, and the names to be used."""

    folder: PurePosixPath  # relative to the project
    variables: Mapping[str, str]
    missing: Mapping[str, str]  # path → the variable that is not set there
    secrets: Mapping[str, Any]  # top-level `secrets:`
    app_names: Mapping[str, str]
    volume_names: Mapping[str, str]
    notes: Notes
