"""Receivers of the kind `webhook`: what Alertmanager posts, unchanged."""

import json
from collections.abc import Mapping
from typing import Any

from control.notify import verdict
from control.notify.post import Answer, Request
from control.notify.receivers import Receiver


def request(receiver: Receiver, payload: Mapping[str, Any]) -> Request:
    """Alertmanager's payload, and nothing else."""
    return Request(receiver.url, json.dumps(payload).encode())


def delivered(answer: Answer) -> str:
    """The detail of a success, or DeliveryError."""
    return verdict.plain(answer)
