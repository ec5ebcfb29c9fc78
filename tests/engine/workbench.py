"""Where the tests of the engine work: copies of programs, and a `pulumi` to run on them."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import docker

# A plugin that is missing is retried for 6 s, an `up` takes 3 s: this is a hang.
COMMAND_SECONDS = 120


@dataclass(frozen=True)
class Done:
    """How a `pulumi` command ended; `text` is all that it wrote."""

    code: int
    out: str
    text: str


@dataclass(frozen=True)
class Bench:
    """Copies of the test programs, a state of their own, and names of their own in Docker."""

    folder: Path
    prefix: str
    env: dict[str, str]

    def pulumi(self, *words: str, where: str = "app", **extra: str) -> Done:
        """Run a `pulumi` command in the folder of the program `where`."""
        done = subprocess.run(
            ["pulumi", *words, "--non-interactive"],
            cwd=self.folder / where,
            env={**self.env, **extra},
            text=True,
            capture_output=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stdout + done.stderr)

    def must(self, *words: str, where: str = "app") -> Done:
        """Run a `pulumi` command that must succeed."""
        done = self.pulumi(*words, where=where)
        assert done.code == 0, f"pulumi {' '.join(words)}:\n{done.text}"
        return done


def network_labels(engine: docker.DockerClient, name: str) -> dict[str, str]:
    """Return the labels that the Docker engine itself tells of a network."""
    return dict(engine.networks.get(name).attrs["Labels"] or {})


def volume_labels(engine: docker.DockerClient, name: str) -> dict[str, str]:
    """Return the labels that the Docker engine itself tells of a volume."""
    return dict(engine.volumes.get(name).attrs["Labels"] or {})
