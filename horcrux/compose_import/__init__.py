"""Turns a Compose file into the `apps:` of a stack file, and says what it could not carry over.

It reads no other file and changes nothing: the command that calls it does. It deliberately does
not know Compose's `include` and files to extend from; `docker compose config` flattens those.
"""

from horcrux.compose_import.convert import Imported, convert
from horcrux.compose_import.notes import ComposeError

__all__ = ["ComposeError", "Imported", "convert"]
