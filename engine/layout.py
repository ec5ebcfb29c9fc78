"""Where set-up keeps things: all of it below the project's folder."""

import sys
from dataclasses import dataclass
from pathlib import Path

from engine import versions

PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Layout:
    """The paths of one checkout. `prefix` is its virtual environment."""

    project: Path
    prefix: Path

    @classmethod
    def here(cls) -> "Layout":
        """Return the layout of this checkout, with the virtual environment that runs now."""
        return cls(PROJECT, Path(sys.prefix))

    @property
    def cache(self) -> Path:
        """Everything about the engine; kept between runs, ignored by git."""
        return self.project / ".engine"

    @property
    def root(self) -> Path:
        """The engine, laid out as by the official installer: bin/ beside lib/."""
        return self.cache / versions.PULUMI

    @property
    def pulumi(self) -> Path:
        """The engine of our own, downloaded or built."""
        return self.root / "bin" / "pulumi"

    @property
    def conformance(self) -> Path:
        """The suite that registries are tested with."""
        return self.cache / "tools" / "oci-conformance"

    @property
    def home(self) -> Path:
        """PULUMI_HOME of the engine of our own: plugins, and which stack is selected."""
        return self.cache / "home"

    @property
    def lock(self) -> Path:
        """Held by the set-up that is at work."""
        return self.cache / "lock"

    @property
    def launcher(self) -> Path:
        """The `pulumi` that an activated virtual environment finds."""
        return self.prefix / "bin" / "pulumi"

    @property
    def go_modules(self) -> Path:
        """The sources that are built: cli/ and docker/."""
        return self.project / "engine" / "go"
