"""The file that tells the registry of its replica, with the password: its own process alone reads it."""

import json
from collections.abc import Mapping
from typing import Any

import pulumi

from horcrux.settings import SettingsError
from horcrux.settings.replica import Replica

FILE = "/etc/horcrux/registry/replica.json"  # see supply/registry/replica_settings.py
# Docker looks the owner of an uploaded file up among this machine's users, which do not have the container's:
# the file is root's, and the process is of its group.
GROUP, PERMISSIONS = "0", "0440"


def replica_file(
    settings: Replica | None, environment: str, secrets: Mapping[str, str]
) -> list[dict[str, Any]]:
    """What is to be put into the container; nothing without a replica. Raises SettingsError."""
    if settings is None:
        return []
    password = secrets.get(settings.password)
    if password is None:
        remedy = f"has no value; set it: horcrux secrets set images {settings.password}"
        raise SettingsError("the settings", [("registry.replica.password", remedy)])
    told = {
        "url": settings.url,
        "prefix": settings.prefix or environment,
        "username": settings.username,
        "password": password,
        "ca": settings.ca,
    }
    content = pulumi.Output.secret(json.dumps(told))
    return [{"file": FILE, "content": content, "permissions": PERMISSIONS}]
