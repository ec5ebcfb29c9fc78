"""All hosts at once: what each one's engine says, and which of them say nothing."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import docker
from docker.errors import APIError, DockerException
from requests.exceptions import RequestException

from control.elastic.capacity import takes_tasks
from horcrux.docker_api import Access, connect
from horcrux.exits import HorcruxError

AT_ONCE = 32  # connections through one front door, which has room for thousands; threads cost more
FAILURES = (DockerException, RequestException, OSError, ValueError)
Answer = TypeVar("Answer")


def every(access: Access) -> tuple[list[str], dict[str, str]]:
    """The hosts that are there, and why the others are not. Raises HorcruxError without a manager."""
    nodes = _nodes(access)
    away = {_name(n): n["Status"]["State"] for n in nodes if n["Status"]["State"] != "ready"}
    return sorted({_name(n) for n in nodes} - away.keys()), away


def taking_tasks(access: Access) -> list[str]:
    """The hosts that tasks may be started on. Raises HorcruxError without a manager."""
    return sorted(_name(node) for node in _nodes(access) if takes_tasks(node))


def each(
    access: Access, hosts: Iterable[str], ask: Callable[[docker.APIClient], Answer]
) -> tuple[dict[str, Answer], dict[str, str]]:
    """What each host's engine answers, and why where it does not."""
    names = list(hosts)

    def one(host: str) -> tuple[Answer | None, str | None]:
        try:
            client = connect(access, host)
            try:
                return ask(client), None
            finally:
                client.close()
        except FAILURES as error:
            return None, why(error)

    if not names:
        return {}, {}
    with ThreadPoolExecutor(min(AT_ONCE, len(names))) as pool:
        answers = dict(zip(names, pool.map(one, names), strict=True))
    failed = {host: reason for host, (_, reason) in answers.items() if reason is not None}
    return {h: a for h, (a, _) in answers.items() if h not in failed}, failed  # type: ignore[misc]


def why(error: Exception) -> str:
    """The error in one line."""
    told = error.explanation if isinstance(error, APIError) and error.explanation else error
    text = " ".join(
        (told.decode(errors="replace") if isinstance(told, bytes) else str(told)).split()
    )
    return text or type(error).__name__


def _nodes(access: Access) -> list[dict[str, dict[str, str]]]:
    try:
        client = connect(access)
        try:
            nodes: list[dict[str, dict[str, str]]] = client.nodes()
        finally:
            client.close()
    except FAILURES as error:
        raise HorcruxError(f"no manager answers ({why(error)}); see: horcrux status") from error
    return nodes


def _name(node: dict[str, dict[str, str]]) -> str:
    return str(node["Description"]["Hostname"])
