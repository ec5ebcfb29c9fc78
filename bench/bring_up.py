"""From built images: three hosts that form a cluster, and the whole of what dev has."""

from bench.command import Done
from bench.environment import Environment
from bench.figures import Figure

SLOWEST = 12


def measure_cluster(environment: Environment, runs: int) -> list[Figure]:
    """Hosts, without apps, from the update's start to the last host's membership."""
    environment.ensure_images()
    without_apps = dict.fromkeys(environment.project.settings().apps)
    done = [_anew(environment, without_apps) for _ in range(runs)]
    return [
        Figure(
            "cluster_ready",
            "three-host cluster from built images, to all nodes ready",
            "s",
            tuple(d.last(_joined) - d.first(_update_begins) for d in done),
            "under 10 s",
            "`horcrux up` without apps: from the end of its preview to the last host's membership",
            {"slowest steps (s)": done[-1].slowest(SLOWEST)},
        )
    ]


def measure_environment(environment: Environment, runs: int) -> list[Figure]:
    """All that dev has."""
    environment.ensure_images()
    done = [_anew(environment, {}) for _ in range(runs)]
    return [
        Figure(
            "environment_up",
            "the whole environment of dev, from built images",
            "s",
            tuple(d.seconds for d in done),
            "under 45 s",
            "wall time of `horcrux up -y`, its preview included; wiki installed, all healthy",
            {
                "of which preview (s)": [round(d.first(_update_begins), 1) for d in done],
                "slowest steps (s)": done[-1].slowest(SLOWEST),
            },
        )
    ]


def _anew(environment: Environment, apps: dict[str, None]) -> Done:
    environment.take_down()
    environment.say("measuring an `up` from nothing but images")
    return environment.bring_up(dict(apps))


def _update_begins(line: str) -> bool:
    """The line after the preview: `bench: 85 to make`."""
    return line.startswith("bench: ")


def _joined(line: str) -> bool:
    return " join host " in line
