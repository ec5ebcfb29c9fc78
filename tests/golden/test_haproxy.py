"""What the edge gets for a few environments, as files to read. `UPDATE_GOLDEN=1` renews them."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.app_spec import edge_label
from control.backend import backends
from control.haproxy import CONFIG, HEAD, LUA, ROUTES, TAIL, Bundle, render
from horcrux.settings import parse
from tests.support.haproxy_check import refusal
from tests.support.swarm_objects import service, traffic

GOLDEN = Path(__file__).parent / "haproxy"
CASES = sorted(path.stem for path in GOLDEN.glob("*.yaml"))


def rendered(case: str) -> Bundle:
    """The configuration for `CASE.yaml`: settings, and the weights of releases under way."""
    document: dict[str, Any] = yaml.safe_load((GOLDEN / f"{case}.yaml").read_text())
    told = parse(document["settings"], "dev")
    services, configs = [], []
    for name, app in told.apps.items():
        weights = document.get("weights", {}).get(name, {f"{name}-0a1b2c3d": 100})
        if not app.routes:
            continue
        label = edge_label(name, app, "dev", told.domain)
        services += [
            service(s, label, app=name, replicas=app.replicas, created=f"2026-01-0{day}T00:00:00Z")
            for day, s in enumerate(weights, 1)
        ]
        configs.append(traffic(name, weights))
    found, problems = backends(services, configs)
    assert problems == []
    return render(found)


def apps_part(config: str) -> str:
    """What differs from environment to environment."""
    chosen, _, backends = config.removeprefix(HEAD).partition(TAIL)
    return f"{chosen}{backends}".lstrip("\n")


def compare(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text)
    assert path.exists(), f"{name} is not there yet: UPDATE_GOLDEN=1 writes it"
    assert text == path.read_text(), f"{name} is another: read the difference, then UPDATE_GOLDEN=1"


def test_the_part_that_all_environments_share_is_as_it_was() -> None:
    compare("shared.cfg", render([]).files[CONFIG])


@pytest.mark.parametrize("case", CASES)
def test_an_environment_is_rendered_as_it_was(case: str) -> None:
    files = rendered(case).files
    assert set(files) == {CONFIG, ROUTES, LUA}
    compare(f"{case}.cfg", apps_part(files[CONFIG]))
    compare(f"{case}.map", files[ROUTES])


@pytest.mark.parametrize("case", CASES)
def test_haproxy_takes_it(case: str, tmp_path: Path) -> None:
    assert refusal(rendered(case), tmp_path) == ""


def test_there_are_environments_to_compare() -> None:
    assert {"plain", "release", "rules"} <= set(CASES)
