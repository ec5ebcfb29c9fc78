"""HTTP to the tasks of one of the platform's services: whichever of them answers."""

import asyncio
import socket
from collections.abc import Mapping
from typing import Any

import aiohttp

from control.apart import apart
from control.portal.source import SourceError

ANSWER_SECONDS = 4  # within the 5 s between two renewals of a page


class UpstreamError(SourceError):
    """No task of a service gave an answer that can be used."""


class Upstream:
    """`tasks.SERVICE` on a port, optionally with an account."""

    def __init__(self, service: str, port: int, auth: aiohttp.BasicAuth | None = None) -> None:
        self.service, self._port, self._auth = service, port, auth
        self._last: str | None = None
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS))

    async def close(self) -> None:
        """Let go of the connections."""
        await self._session.close()

    async def addresses(self) -> list[str]:
        """All tasks' addresses, the one that answered last first."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(
                f"tasks.{self.service}", self._port, family=socket.AF_INET, type=socket.SOCK_STREAM
            )
        except OSError:
            return []
        return sorted({str(entry[4][0]) for entry in found}, key=lambda a: (a != self._last, a))

    async def ask(self, method: str, path: str, **options: Any) -> Any:
        """The first answer; UpstreamError when there is none."""
        problems = []
        for address in await self.addresses():
            try:
                answer = await self.ask_at(address, method, path, **options)
            except UpstreamError as error:
                problems.append(str(error))
            else:
                self._last = address
                return answer
        raise UpstreamError(f"{self.service}: {'; '.join(problems) or 'no task runs'}")

    async def ask_at(self, address: str, method: str, path: str, **options: Any) -> Any:
        """One task's answer, its JSON read."""
        return await apart(self._answer(address, method, path, **options))

    async def _answer(self, address: str, method: str, path: str, **options: Any) -> Any:
        url = f"http://{address}:{self._port}{path}"
        try:
            async with self._session.request(method, url, auth=self._auth, **options) as response:
                if response.status >= 400:
                    said = (await response.text())[:200]
                    raise UpstreamError(f"{address} answers {response.status}: {said}")
                return await response.json(content_type=None)
        except (TimeoutError, aiohttp.ClientError, ValueError) as error:
            raise UpstreamError(f"{address} does not answer ({error!r})") from None

    async def ask_all(self, method: str, path: str, **options: Any) -> list[Any]:
        """Every task's answer, of those that answer."""
        asked = [self.ask_at(a, method, path, **options) for a in await self.addresses()]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        return [a for a in answers if not isinstance(a, BaseException)]


def parameters(**values: str | float | None) -> Mapping[str, str]:
    """Query parameters, those that are None left out."""
    return {key: str(value) for key, value in values.items() if value is not None}
