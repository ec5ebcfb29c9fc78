"""A registry, the vault that is its replica, and a way between them that can fail."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from supply.registry import replica
from tests.support.played_registry import Played, registry
from tests.support.vault import Way, tell, way


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails is tried again at once."""
    monkeypatch.setattr(replica, "FIRST_SECONDS", 0.05)
    monkeypatch.setattr(replica, "LONGEST_SECONDS", 0.1)
    monkeypatch.setattr("supply.cache.patience.FIRST_SECONDS", 0.01)


@pytest.fixture
async def vault(tmp_path: Path) -> AsyncIterator[Played]:
    async with registry(tmp_path / "vault") as found:
        yield found


@pytest.fixture
async def there(vault: Played) -> AsyncIterator[Way]:
    async with way(vault) as found:
        yield found


@pytest.fixture
async def here(tmp_path: Path, vault: Played, there: Way) -> AsyncIterator[Played]:
    async with registry(tell(tmp_path / "registry", vault, there.port)) as found:
        yield found
