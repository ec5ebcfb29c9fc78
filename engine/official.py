"""The official downloads: the engine through the Automation API, the plugin through Pulumi."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from engine import versions
from engine.commands import Runner
from engine.network import reachable
from engine.report import say

SERVER = "get.pulumi.com"
# 130 MB at 1 MB/s; a build from sources takes longer than that, a slower line is not worth it.
DOWNLOAD_SECONDS = 180.0
INSTALL = (
    "import sys, semver; from pulumi.automation import PulumiCommand; "
    "PulumiCommand.install(root=sys.argv[1], version=semver.VersionInfo.parse(sys.argv[2]))"
)
# Left behind by a download; there is no other mark of who put a `pulumi` there.
STAMP = "stamp-official"

Reach = Callable[[str], bool]


def download_pulumi(root: Path, run: Runner, reach: Reach = reachable) -> str | None:
    """Download the engine to `root`; return why not when that fails, None when it is there."""
    if not reach(SERVER):
        return f"{SERVER} cannot be reached"
    say("engine", f"downloading Pulumi {versions.PULUMI} from {SERVER}")
    done = run(
        sys.executable, "-c", INSTALL, root, versions.PULUMI, cwd=root, limit=DOWNLOAD_SECONDS
    )
    if done.ok:
        (root / STAMP).write_text(versions.PULUMI)
        return None
    shutil.rmtree(root / "bin", ignore_errors=True)
    return f"the official download failed ({done.reason})"


def download_plugin(pulumi: Path, home: Path, run: Runner, reach: Reach = reachable) -> str | None:
    """Have Pulumi download the docker plugin to `home`; return why not when that fails."""
    if not reach(SERVER):
        return f"{SERVER} cannot be reached"
    say("engine", f"downloading the docker plugin {versions.DOCKER_PLUGIN}")
    words = ("plugin", "install", "resource", "docker", versions.DOCKER_PLUGIN)
    env = {**os.environ, "PULUMI_HOME": str(home), "PULUMI_SKIP_UPDATE_CHECK": "true"}
    done = run(pulumi, *words, env=env, limit=DOWNLOAD_SECONDS)
    return None if done.ok else f"the official plugin cannot be downloaded ({done.reason})"
