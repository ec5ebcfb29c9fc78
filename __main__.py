"""One environment of the cloud: read its settings, build it, export what it is."""

from pathlib import Path

import pulumi

from components.cloud import Cloud
from components.environment import Environment
from horcrux import docker_api
from horcrux.preflight import check_machine
from horcrux.settings import SettingsError, stack_file


def main() -> None:
    """What `pulumi up` runs."""
    project, name = Path(__file__).resolve().parent, pulumi.get_stack()
    settings = stack_file.from_pulumi(pulumi.runtime.get_config_env(), project, name)
    secrets = pulumi.Config("horcrux").get_object("secrets") or {}
    with check_machine(settings, name) as engine:
        cloud = Cloud(
            Environment(name, str(project)), settings, secrets, engine, docker_api.machine_address()
        )
        for key, value in cloud.outputs().items():
            pulumi.export(key, value)


try:
    main()
except SettingsError as error:
    raise pulumi.RunError(str(error)) from None
