"""The log of a service over all its tasks, each line with the task and host that it came from."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import docker

from horcrux.exits import Exit, HorcruxError

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
TASK = re.compile(r"com\.docker\.swarm\.task\.id=(\w+)\S*\s?(.*)", re.DOTALL)


class LogReader:
    """Reads one service's log."""

    def __init__(self, client: docker.APIClient, service: str, grep: str | None) -> None:
        """`grep`: a regular expression that lines must match."""
        self._client, self._service = client, service
        try:
            self._wanted = re.compile(grep) if grep else None
        except re.error as error:
            raise HorcruxError(
                f"--grep: {grep!r} is no regular expression: {error}", Exit.USAGE
            ) from None
        self._names: dict[str, str] = {}

    def lines(self, *, follow: bool, since: str | None, tail: int) -> Iterator[str]:
        """The lines, each as `TASK@HOST | text`; does not end by itself with `follow`."""
        if follow:
            self._client.timeout = None
        stream = self._client.service_logs(
            self._service,
            details=True,
            follow=follow,
            stdout=True,
            stderr=True,
            since=int(moment(since).timestamp()) if since else 0,
            tail=tail,
        )
        for chunk in stream:
            for line in chunk.decode(errors="replace").splitlines():
                text = self._named(line)
                if self._wanted is None or self._wanted.search(text):
                    yield text

    def _named(self, line: str) -> str:
        found = TASK.search(line)
        if not found:
            return line
        task, text = found[1], found[2]
        if task not in self._names:
            self._names[task] = self._name(task)
        return f"{self._names[task]} | {text}"

    def _name(self, task_id: str) -> str:
        task = self._client.inspect_task(task_id)
        host = self._client.inspect_node(task["NodeID"])["Description"]["Hostname"]
        return f"{self._service}.{task.get('Slot', 0)}@{host}"


def moment(text: str) -> datetime:
    """The time that `10m` (ago) or an ISO 8601 time means."""
    ago = re.fullmatch(r"(\d+)([smhd])", text)
    if ago:
        return datetime.now(UTC) - timedelta(**{UNITS[ago[2]]: int(ago[1])})
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise HorcruxError(
            f"--since: {text!r} is neither like 10m nor a time", Exit.USAGE
        ) from None
