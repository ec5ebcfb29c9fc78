"""`pulumi` as its user types it, with programs, secrets and policy packs."""

import json

import docker
from workbench import Bench, network_labels, volume_labels

UP = ("up", "--yes", "--skip-preview", "-s", "dev")
PACK = ("--policy-pack", "../policy")


def test_secrets_are_encrypted_in_the_stack_file_below_stacks(stack: Bench) -> None:
    config = (stack.folder / "app" / "stacks" / "Pulumi.dev.yaml").read_text()
    assert "secure:" in config
    assert "s3cret" not in config


def test_a_preview_tells_as_json_what_would_be_made(stack: Bench) -> None:
    preview = json.loads(stack.must("preview", "--json", "-s", "dev").out)
    assert preview["changeSummary"] == {"create": 6}


def test_a_mandatory_policy_fails_the_preview(stack: Bench) -> None:
    stack.must("config", "set", "label", "none", "-s", "dev")
    preview = stack.pulumi("preview", "-s", "dev", *PACK)
    assert preview.code != 0, preview.text
    assert "volumes need a label" in preview.text
    told = "policy pack started for engine-app dev none"
    assert told in preview.text, (
        f"the pack must know stack and config when it starts\n{preview.text}"
    )


def test_an_environment_goes_up_is_mended_by_policy_and_stays_as_declared(
    stack: Bench, engine: docker.DockerClient
) -> None:
    up = stack.must(*UP, *PACK)
    assert "6 created" in up.text
    assert "warning" not in up.text.lower(), "no word about where engine or plugin came from"
    assert "hello from the program's stdout" in up.text
    assert network_labels(engine, f"{stack.prefix}-net") == {"engine": "added-by-policy"}

    outputs = json.loads(stack.must("stack", "output", "--json", "-s", "dev").out)
    container = f"{stack.prefix}-web"
    assert outputs == {"container": container, "length": 6, "password": "[secret]"}

    stack.must("refresh", "--yes", "--skip-preview", "-s", "dev")
    stack.must("preview", "--expect-no-changes", "-s", "dev", *PACK)


def test_resources_under_fixed_names_are_replaced(
    stack: Bench, engine: docker.DockerClient
) -> None:
    stack.must(*UP)
    stack.must("config", "set", "label", "green", "-s", "dev")
    stack.must(*UP)
    assert volume_labels(engine, f"{stack.prefix}-vol") == {"engine": "green"}


def test_what_is_there_already_can_be_imported(stack: Bench, engine: docker.DockerClient) -> None:
    name = f"{stack.prefix}-imported"
    engine.volumes.create(name)
    words = ("docker:index/volume:Volume", "imported", name, "--generate-code=false")
    done = stack.must("import", *words, "--yes", "--protect=false", "-s", "dev")
    assert "1 imported" in done.text


def test_destroy_leaves_nothing_in_docker(stack: Bench, engine: docker.DockerClient) -> None:
    stack.must(*UP)
    stack.must("destroy", "--yes", "--skip-preview", "-s", "dev")
    assert not engine.volumes.list(filters={"name": f"{stack.prefix}-vol"})
    assert not engine.networks.list(names=[f"{stack.prefix}-net"])
    assert not engine.containers.list(all=True, filters={"name": f"{stack.prefix}-web"})
