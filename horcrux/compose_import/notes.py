"""What is told to the user of an import: notes beside a result, or an error in its place."""

from collections.abc import Sequence


class ComposeError(ValueError):
    """A Compose file that cannot be read: where (path) it is wrong, and what to do."""

    def __init__(self, path: str, what: str) -> None:
        self.path = path
        super().__init__(f"{path}: {what}")


class Notes:
    """Notes in the order in which they are made, each said once. They never hold a secret."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, str], None] = {}

    def add(self, path: str, what: str) -> None:
        """Say of the Compose file's `path` what became of it, or what the user should do."""
        self._lines[path, what] = None

    def ordered(self, services: Sequence[str]) -> list[str]:
        """A line for each note: first of the file as a whole, then of each service in turn."""
        order = {f"services.{name}": i for i, name in enumerate(services)}

        def place(path: str) -> int:
            owners = [own for own in order if path == own or path.startswith(f"{own}.")]
            if owners:
                return order[max(owners, key=len)]
            return len(order) if path == "services" else -1

        found = sorted(self._lines, key=lambda note: place(note[0]))
        return [f"{path}: {what}" for path, what in found]
