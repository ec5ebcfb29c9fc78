"""Why a delivery failed, in words that hold no secret: never the text of an exception of a library,
since those contain addresses."""

import asyncio
import os
import socket
import ssl

import aiohttp

SENTENCES: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
    (asyncio.TimeoutError, "no answer in time"),
    (ssl.SSLCertVerificationError, "its certificate is not trusted"),
    (ssl.SSLError, "no TLS connection"),
    (socket.gaierror, "its name cannot be resolved"),
    (
        (aiohttp.ServerDisconnectedError, ConnectionResetError),
        "the connection was closed before the answer",
    ),
)


class DeliveryError(Exception):
    """A message did not arrive; the text says why."""


def reason(error: BaseException) -> str:
    """A sentence for an error of the network."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return reason(error.certificate_error)
    if isinstance(error, aiohttp.ClientConnectorError):
        return reason(error.os_error)
    for kinds, sentence in SENTENCES:
        if isinstance(error, kinds):
            return sentence
    if isinstance(error, OSError) and error.errno:
        return f"no connection ({os.strerror(error.errno)})"
    return f"no connection ({type(error).__name__})"
