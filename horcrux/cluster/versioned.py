"""Changes of Swarm objects that take nobody's change back: what is sent names the version it was made from.

docker-py forgets what it does not know of a specification, and has no call for configs, so specifications
go back as they came.
"""

from typing import Any

import docker
from docker.errors import APIError

TRIES = 5  # somebody else may change an object between our look and our change


def sent(
    client: docker.APIClient,
    kind: str,
    found: dict[str, Any],
    spec: dict[str, Any],
    parameters: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
) -> bool:
    """Give `found` (of the `kind` services or configs) another specification; False: look again first."""
    response = client._post_json(
        client._url("/{0}/{1}/update", kind, found["ID"]),
        data=spec,
        params={"version": found["Version"]["Index"], **(parameters or {})},
        headers=headers or {},
    )
    try:
        client._raise_for_status(response)
    except APIError as error:
        if "out of sequence" not in str(error.explanation):
            raise
        return False
    return True


class BusyError(RuntimeError):
    """Somebody else changes the object all the time."""
