"""For how long an app was away that is stopped before it is started: between its two releases' tasks."""

import docker

from horcrux.cluster.tasks import RELEASE_LABEL, since


def of_release(client: docker.APIClient, service: str, release: str) -> float | None:
    """Seconds from the end of the former release's last task to this one's first, if there was one."""
    ended, running = [], []
    for task in client.tasks({"service": service}):
        labels = task["Spec"]["ContainerSpec"].get("Labels") or {}
        if labels.get(RELEASE_LABEL, "") == release:
            if task["Status"]["State"] == "running":
                running.append(since(task))
        elif task["DesiredState"] == "shutdown":
            ended.append(since(task))
    if not ended or not running:
        return None
    return max(0.0, min(running) - max(ended))
