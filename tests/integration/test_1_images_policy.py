"""What the settings ask of images, on a real environment: signatures, and no known vulnerabilities."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.sandbox import UP_SECONDS, Sandbox
from tests.support.signed import key, private_pem, public_pem

CVE = "CVE-2030-0001"


@pytest.fixture
def rules(cloud: Sandbox) -> Iterator[None]:
    """Rules of a test end with it, and leave nothing behind."""
    before = cloud.stack_file.read_text()
    yield
    cloud.stack_file.write_text(before)
    cloud.up()
    cloud.expect_no_changes()


def ask(cloud: Sandbox, **rules: Any) -> None:
    """Set rules about images, beside what the settings say of the cache."""
    cloud.edit(lambda config: config["horcrux:images"].update(rules))


def refused(cloud: Sandbox, release: str) -> str:
    """What an update says that is refused; what runs goes on."""
    done = cloud.horcrux("up", "-s", cloud.name, "-y", seconds=UP_SECONDS, check=False)
    assert done.returncode != 0, done.stdout
    assert cloud.get("hello").status_code == 200
    assert cloud.app("hello")["release"] == release
    return done.stdout + done.stderr


def test_an_image_without_a_signature_is_not_deployed_and_with_one_it_is(
    cloud: Sandbox, rules: None, tmp_path: Path
) -> None:
    release = cloud.app("hello")["release"]
    rule = {"images": "registry/hello", "keys": [public_pem(key())]}
    ask(cloud, signatures=[rule])
    said = refused(cloud, release)
    assert "is not signed by the key" in said
    image = cloud.app("hello")["image"]
    name = f"127.0.0.1:{cloud.ports['registry']}/hello@{image.partition('@')[2]}"
    assert cloud.horcrux("images", "verify", name, "-s", cloud.name, check=False).returncode != 0

    for number, well in ((1, False), (0, True)):
        file = tmp_path / f"{number}.pem"
        file.write_bytes(private_pem(key(number)))
        cloud.horcrux("images", "sign", name, "--key", str(file), "-s", cloud.name)
        verified = cloud.horcrux("images", "verify", name, "-s", cloud.name, check=False)
        assert (verified.returncode == 0) is well, verified.stderr
    cloud.up()
    cloud.expect_no_changes()
    assert cloud.app("hello")["release"] == release


def test_an_image_with_a_known_vulnerability_is_not_deployed_unless_it_is_waived(
    cloud: Sandbox, rules: None
) -> None:
    release = cloud.app("hello")["release"]
    bill = json.loads(cloud.horcrux("images", "sbom", "hello", "-s", cloud.name).stdout)
    assert "python3-minimal" in {part["name"] for part in bill["components"]}
    known = {"status": "resolved", "fixed_version": "99", "urgency": "high", "repositories": {}}
    told = {"python3-defaults": {CVE: {"releases": {"bookworm": known}}}}
    (cloud.folder / "tracker.json").write_text(json.dumps(told))
    policy: dict[str, Any] = {"data": "tracker.json", "refuse": "high"}
    ask(cloud, vulnerabilities=policy)
    assert CVE in refused(cloud, release)

    until = date.today() + timedelta(days=30)
    waiver = {"cve": CVE, "images": "*", "reason": "Not reachable.", "until": until.isoformat()}
    ask(cloud, vulnerabilities=policy | {"waivers": [waiver]})
    cloud.up()
    shown = cloud.horcrux("images", "vulnerabilities", "hello", "-s", cloud.name)
    assert CVE in shown.stdout
    assert str(until) in shown.stdout
    waiver["until"] = (date.today() - timedelta(days=1)).isoformat()
    ask(cloud, vulnerabilities=policy | {"waivers": [waiver]})
    assert "ended" in refused(cloud, release)
