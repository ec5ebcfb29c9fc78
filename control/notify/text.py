"""Text that comes from alerts, made fit to be sent anywhere."""

from typing import Any

URL_POINTS = 500  # longer is no address that somebody would open


def cut(text: str, points: int) -> str:
    """At most `points` code points, the last an ellipsis where something was cut away."""
    return text if len(text) <= points else text[: points - 1].rstrip() + "…"


def clean(text: Any) -> str:
    """One line of what can be printed and encoded; empty for what is no text."""
    if not isinstance(text, str):
        return ""
    return " ".join("".join(c for c in text if c.isprintable() or c.isspace()).split())


def is_link(url: str) -> bool:
    """Whether it can stand in a link of any of the services' markups."""
    return (
        url.startswith(("http://", "https://"))
        and len(url) <= URL_POINTS
        and url.isascii()
        and not any(c in ' ()[]<>"\\`*|{}^' or not c.isprintable() for c in url)
    )
