"""The Grafana that a user may name: given its data source, its dashboards and a way in.

The image is a stand-in that only listens where Grafana does: what is tested is what it is given.
"""

import json
from pathlib import Path

import docker
import yaml

from tests.support.sandbox import Sandbox

DOCKERFILE = """\
FROM {python}
LABEL horcrux.environment=itest
RUN mkdir -p /srv/api && echo ok > /srv/api/health
CMD ["python3", "-m", "http.server", "3000", "--directory", "/srv"]
"""
FILES = {
    "source": "/etc/grafana/provisioning/datasources/horcrux.yaml",
    "provider": "/etc/grafana/provisioning/dashboards/horcrux.yaml",
    "hosts": "/etc/horcrux/dashboards/hosts.json",
    "app": "/etc/horcrux/dashboards/app.json",
}


def test_it_is_given_dashboards_a_data_source_and_a_route(
    cloud: Sandbox, engine: docker.DockerClient, tmp_path: Path
) -> None:
    tags = [tag for image in engine.images.list() for tag in image.tags]
    python = next(tag for tag in tags if tag.startswith("horcrux-itest/python:"))
    (tmp_path / "Dockerfile").write_text(DOCKERFILE.format(python=python))
    engine.images.build(path=str(tmp_path), tag="horcrux-itest/grafana-stand-in:1", rm=True)
    image = {"image": "horcrux-itest/grafana-stand-in:1"}
    cloud.edit(lambda config: config["horcrux:monitoring"].update({"grafana": image}))
    cloud.up()
    try:
        assert cloud.get("grafana", "/api/health").text == "ok\n"
        opened = cloud.horcrux("open", "grafana", "-s", cloud.name).stdout
        assert f"http://grafana.{cloud.name}.localhost" in opened
        names = ("docker", "ps", "-qf", "name=horcrux-grafana")
        container = cloud.inside("manager-1", *names).split()[0]
        found = {
            name: cloud.inside("manager-1", "docker", "exec", container, "cat", path)
            for name, path in FILES.items()
        }
        given = cloud.inside(
            "manager-1", "docker", "exec", container, "cat", "/run/secrets/grafana-password"
        )
        assert f"password: {given}" in opened
        (source,) = yaml.safe_load(found["source"])["datasources"]
        dashboard = json.loads(found["app"])
        assert source["uid"] in json.dumps(dashboard)
        ask = (
            "import base64, sys, urllib.request; "
            "request = urllib.request.Request(sys.argv[1] + '/api/v1/query?query=up'); "
            "account = base64.b64encode(f'horcrux:{sys.argv[2]}'.encode()).decode(); "
            "request.add_header('Authorization', 'Basic ' + account); "
            "print(urllib.request.urlopen(request, timeout=5).status)"
        )
        password = source["secureJsonData"]["basicAuthPassword"]
        words = ("docker", "exec", container, "python3", "-c", ask, source["url"], password)
        assert cloud.inside("manager-1", *words).strip() == "200", "it reaches Prometheus"
    finally:
        cloud.edit(lambda config: config["horcrux:monitoring"].pop("grafana"))
        cloud.up()
    assert cloud.get("grafana", "/api/health").status_code == 404
