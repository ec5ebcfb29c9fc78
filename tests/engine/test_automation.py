"""The Automation API, which the `horcrux` command drives the engine with."""

from concurrent.futures import ThreadPoolExecutor

import pulumi
import pulumi_docker as docker
import pytest
from pulumi import automation
from pulumi._version import version
from workbench import Bench

from engine import installed

PASSED_ON = ("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_SKIP_UPDATE_CHECK")


@pytest.fixture
def command() -> automation.PulumiCommand:
    return automation.PulumiCommand(root=installed.root())


def options(bench: Bench, command: automation.PulumiCommand) -> automation.LocalWorkspaceOptions:
    """Make options for one stack: what they are given to writes into them."""
    env = {name: bench.env[name] for name in PASSED_ON}
    return automation.LocalWorkspaceOptions(pulumi_command=command, env_vars=env)


def cycle(bench: Bench, command: automation.PulumiCommand, name: str) -> None:
    """Take an inline program through its life."""

    def program() -> None:
        prefix = f"{bench.prefix}-{pulumi.get_stack()}"
        labels = [docker.VolumeLabelArgs(label="stack", value=pulumi.get_stack())]
        volume = docker.Volume("v", name=f"{prefix}-v", labels=labels)
        docker.Network("n", name=f"{prefix}-n")
        pulumi.export("volume", volume.name)
        pulumi.export("secret", pulumi.Config().get_secret("pw"))

    stack = automation.create_or_select_stack(
        name, "engine-inline", program, opts=options(bench, command)
    )
    stack.set_config("pw", automation.ConfigValue("x", secret=True))
    result = stack.up()
    assert result.outputs["secret"].secret
    assert result.outputs["volume"].value == f"{bench.prefix}-{name}-v"
    stack.preview(expect_no_changes=True)
    stack.refresh()
    stack.destroy()
    stack.workspace.remove_stack(name)


def test_the_engine_tells_a_version_that_the_package_accepts(
    command: automation.PulumiCommand,
) -> None:
    assert command.version is not None
    assert command.version >= version


def test_inline_programs_run_in_parallel_without_mixing(
    bench: Bench, command: automation.PulumiCommand
) -> None:
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda name: cycle(bench, command, name), ("p1", "p2", "p3")))


def test_a_program_in_a_folder_goes_up_and_its_policies_hold(
    bench: Bench, command: automation.PulumiCommand, image: str
) -> None:
    stack = automation.create_or_select_stack(
        "auto", work_dir=str(bench.folder / "app"), opts=options(bench, command)
    )
    for name, value in (("prefix", f"{bench.prefix}-auto"), ("image", image), ("label", "none")):
        stack.set_config(name, automation.ConfigValue(value))
    try:
        assert stack.up().summary.resource_changes == {"create": 6}
        with pytest.raises(automation.CommandError, match="volumes need a label"):
            stack.preview(policy_packs=[str(bench.folder / "policy")])
    finally:
        stack.destroy(remove=True)
