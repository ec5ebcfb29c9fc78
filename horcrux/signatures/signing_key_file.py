"""The file with the private key that images are signed with, and the passphrase that opens it."""

import os
import sys
from getpass import getpass
from pathlib import Path

from horcrux.exits import Exit, HorcruxError
from horcrux.signatures.signing_keys import PassphraseError, PrivateKey, private

PASSPHRASE = "HORCRUX_KEY_PASSPHRASE"  # noqa: S105 - the name of a variable
KEY_BYTES = 64 << 10  # a key takes 1 or 2 KB


def read(file: Path) -> PrivateKey:
    """The key; its passphrase is in the variable, or asked for. Raises HorcruxError."""
    pem = content(file)
    try:
        return private(pem, os.environ.get(PASSPHRASE))
    except PassphraseError as error:
        if PASSPHRASE in os.environ:
            raise HorcruxError(f"{file} {error}; see the variable {PASSPHRASE}") from None
    except ValueError as error:
        raise HorcruxError(f"{file} {error}", Exit.USAGE) from None
    if not sys.stdin.isatty():
        raise HorcruxError(
            f"{file} is encrypted, and nobody is there to ask: put its passphrase into the variable "
            f"{PASSPHRASE}",
            Exit.DECLINED,
        )
    try:
        return private(pem, getpass(f"Passphrase of {file}: "))
    except ValueError as error:
        raise HorcruxError(f"{file} {error}; try again") from None


def content(file: Path) -> bytes:
    """What is in a key's file. Raises HorcruxError."""
    try:
        with file.open("rb") as opened:
            found = opened.read(KEY_BYTES + 1)
    except OSError as error:
        raise HorcruxError(f"{file} cannot be read: {error.strerror}", Exit.USAGE) from None
    if len(found) > KEY_BYTES:
        raise HorcruxError(f"{file} is too large for a key", Exit.USAGE)
    return found
