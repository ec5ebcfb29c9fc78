"""Updates and previews that have nothing to do, with dev's apps and with a hundred more."""

from typing import Any

from bench.command import Done
from bench.environment import Environment
from bench.figures import Figure

MANY = 100
COMMANDS = {
    "up": ("up", "--yes", "--skip-preview"),
    "up_with_preview": ("up", "--yes"),
    "preview": ("preview",),
}
STRICT = ("--expect-no-changes", "--suppress-outputs", "--diff")


def measure(environment: Environment, runs: int) -> list[Figure]:
    """With the apps of dev."""
    environment.ensure_up()
    return _figures(environment, runs, "noop", "nothing to change", "under 4 s")


def measure_many(environment: Environment, runs: int) -> list[Figure]:
    """With a hundred more apps: real services of the real cluster, of no tasks each.

    They are left to go with the environment, which is taken down.
    """
    environment.ensure_up()
    environment.say(f"adding {MANY} apps without tasks")
    added = environment.bring_up(many_apps(environment))
    figures = _figures(
        environment, runs, "noop_many", f"nothing to change, {MANY} more apps", "under 12 s"
    )
    figures.append(
        Figure(
            "many_added",
            f"{MANY} apps without tasks added at once",
            "s",
            (added.seconds,),
            note="wall time of `horcrux up -y`, once",
        )
    )
    environment.take_down()
    return figures


def many_apps(environment: Environment) -> dict[str, Any]:
    """A hundred apps with routes and no tasks, of the image that hello has."""
    image = environment.outputs().release("hello")["image"]
    app = {"image": image, "port": 8080, "routes": ["/"], "replicas": 0}
    return {f"more-{n}": {**app, "health": {"http": "/healthz"}} for n in range(MANY)}


def _figures(environment: Environment, runs: int, name: str, title: str, aim: str) -> list[Figure]:
    environment.say("an update that is not measured, for what the last one may have left to do")
    left = environment.pulumi("up", "--yes", "--skip-preview", "--suppress-outputs")
    done: dict[str, list[Done]] = {key: [] for key in COMMANDS}
    for _ in range(runs):
        for key, words in COMMANDS.items():
            environment.say(f"pulumi {' '.join(words)}")
            done[key].append(environment.pulumi(*words, *STRICT))
    return [
        Figure(
            f"{name}_{key}",
            f"{title}: pulumi {' '.join(words)}",
            "s",
            tuple(d.seconds for d in done[key]),
            aim if key != "up_with_preview" else "",
            "wall time on the real engine; any change would have failed the command",
            {"the update before, not measured": counts(left.text)},
        )
        for key, words in COMMANDS.items()
    ]


def counts(text: str) -> list[str]:
    """What Pulumi says it did, after `Resources:`: ["~ 2 updated", "70 unchanged"]."""
    _, _, after = text.partition("Resources:\n")
    return [line.strip() for line in after.partition("\n\n")[0].splitlines()]
