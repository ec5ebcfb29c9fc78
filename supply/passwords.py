"""Passwords that HTTP's Basic authentication shows (RFC 7617), and what is kept of them."""

import base64
import binascii

import bcrypt

# What is compared with where there is no such account: that takes as long, and tells nobody which names
# there are. Pulumi makes the others with the same cost; see providers/password.py.
NOBODY = bcrypt.hashpw(b"nobody", bcrypt.gensalt(10)).decode()


def shown(header: str) -> tuple[str, str]:
    """The name and the password in an Authorization header; empty where it has none that can be read."""
    scheme, _, word = header.partition(" ")
    try:
        plain = base64.b64decode(word, validate=True).decode() if scheme.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        plain = ""
    name, _, password = plain.partition(":")
    return name, password


def matches(password: str, hashed: str) -> bool:
    """Whether a password is the one that was kept; slow on purpose, so not for the event loop."""
    try:
        return bcrypt.checkpw(password.encode(), hashed.encode())
    except ValueError:
        return False
