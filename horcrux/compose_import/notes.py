"""What is told to the user of an import: notes beside a result, or an error in its place."""


class ComposeError(ValueError):
    """A Compose file that cannot be read: where (path) it is wrong, and what to do."""

    def __init__(self, path: str, what: str) -> None:
        self.path = path
        super().__init__(f"{path}: {what}")


class Notes:
    """Notes in the order in which they are made, each said once. They never hold a secret."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, path: str, what: str) -> None:
        """Say of the Compose file's `path` what became of it, or what the user should do."""
        line = f"{path}: {what}"
        if line not in self.lines:
            self.lines.append(line)
