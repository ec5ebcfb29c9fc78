"""The docker provider plugin: downloaded by Pulumi, else built from engine/go/docker."""

import shutil
from pathlib import Path

from engine import versions
from engine.commands import Runner
from engine.files import put, read, scratch
from engine.gobuild import Go, digest
from engine.layout import Layout
from engine.network import reachable
from engine.official import Reach, download_plugin
from engine.report import SetupError, say

NAME = "pulumi-resource-docker"
STAMP = "stamp-docker"


def plugin_in(home: Path) -> Path:
    """Return where the plugin belongs below a PULUMI_HOME."""
    return home / "plugins" / f"resource-docker-v{versions.DOCKER_PLUGIN}" / NAME


def is_current(layout: Layout, home: Path) -> bool:
    """Tell whether `home` has the plugin; one that was built must be of the current sources."""
    plugin = plugin_in(home)
    built = read(plugin.with_name(STAMP))
    return plugin.is_file() and built in ("", digest(layout.go_modules / "docker"))


def install_docker_plugin(
    layout: Layout, home: Path, pulumi: Path, run: Runner, reach: Reach = reachable
) -> None:
    """Put the plugin into `home`, which may be the user's own; say which way and why."""
    if is_current(layout, home):
        return
    why = download_plugin(pulumi, home, run, reach)
    if why is None:
        return
    thing = f"the docker plugin {versions.DOCKER_PLUGIN}"
    say("engine", f"{why}: building {thing} from Go modules")
    build_plugin(layout, home, Go.find(run, thing))


def build_plugin(layout: Layout, home: Path, go: Go) -> None:
    """Build the plugin into `home`; raise SetupError on failure."""
    source, plugin = layout.go_modules / "docker", plugin_in(home)
    with scratch(layout.cache) as folder:
        work = folder / "source"  # the schema is made beside main.go: in a copy
        shutil.copytree(source, work)
        maker = folder / "pulumi-tfgen-docker"
        go.build(work, "./cmd/pulumi-tfgen-docker", maker)
        place = work / "cmd" / NAME
        made = go.run(maker, "schema", "--out", place, cwd=place, env=go.env)
        if not made.ok:
            what = f"the docker plugin's schema could not be made:\n{made.err[-2000:]}"
            raise SetupError(what, "run `make setup` again; if it fails again, report it")
        go.build(work, f"./cmd/{NAME}", folder / NAME)
        put(folder / NAME, plugin)
    plugin.with_name(STAMP).write_text(digest(source))
