"""A component from a Python package of its own, which the engine runs as a plugin."""

import docker
from workbench import Bench


def test_a_component_of_another_package_goes_up_and_is_destroyed(
    bench: Bench, engine: docker.DockerClient
) -> None:
    volume = f"{bench.prefix}-pair-a"
    bench.must("stack", "init", "c", where="user")
    bench.must("config", "set", "prefix", f"{bench.prefix}-pair", "-s", "c", where="user")
    try:
        up = bench.must("up", "--yes", "--skip-preview", "-s", "c", where="user")
        assert f'"{volume}"' in up.text
        assert engine.volumes.list(filters={"name": volume})
    finally:
        bench.must("destroy", "--yes", "--skip-preview", "--remove", "-s", "c", where="user")
    assert not engine.volumes.list(filters={"name": volume})
