"""Where the engine is that set-up chose, for the programs that drive it."""

import sys
from pathlib import Path


def root() -> str | None:
    """Return what `pulumi.automation.PulumiCommand(root=...)` wants.

    That is the virtual environment, where set-up put a launcher there; None, which means PATH,
    where the user's own `pulumi` was chosen.
    """
    prefix = Path(sys.prefix)
    return str(prefix) if (prefix / "bin" / "pulumi").is_file() else None
