"""The settings of known vulnerabilities: what is refused by itself, and how waivers are written."""

from datetime import date
from typing import Any

import pytest
import yaml

from horcrux.settings import SettingsError, parse
from horcrux.settings.vulnerabilities import Vulnerabilities

WAIVER = {"cve": "CVE-2024-3094", "reason": "not started", "until": "2027-01-31"}


def made(**policy: Any) -> Vulnerabilities:
    return parse({"images": {"vulnerabilities": policy}}, "dev").images.vulnerabilities


def refused(**waiver: Any) -> tuple[str, str]:
    told = {key: value for key, value in {**WAIVER, **waiver}.items() if value is not None}
    with pytest.raises(SettingsError) as error:
        made(waivers=[told])
    (finding,) = error.value.findings
    return finding


def test_nothing_is_refused_if_nothing_is_said() -> None:
    policy = parse({}, "dev").images.vulnerabilities
    assert (policy.refuse, policy.waivers) == ("none", ())
    assert policy.data.startswith("https://security-tracker.debian.org/")


@pytest.mark.parametrize(
    "until",
    [
        "2027-01-31",
        yaml.safe_load("2027-01-31"),
        "2027-01-31 00:00:00 +0000 UTC",  # Pulumi 3.259, when it is written without quotes
        "2027-01-31T00:00:00Z",
        yaml.safe_load("2027-01-31 00:00:00"),
    ],
)
def test_a_day_is_the_same_however_it_comes(until: Any) -> None:
    assert made(waivers=[{**WAIVER, "until": until}]).waivers[0].until == date(2027, 1, 31)


@pytest.mark.parametrize(
    "until", ["tomorrow", "2027-02-30", "31.1.2027", 20270131, 1.5, True, ["2027-01-31"]]
)
def test_what_is_no_day_is_refused(until: Any) -> None:
    path, what = refused(until=until)
    assert path == "images.vulnerabilities.waivers[0].until"
    assert "write it as 2027-01-31" in what


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        ("reason", None, "is required"),
        ("reason", "", "at least 1 character"),
        ("until", None, "is required"),
        ("cve", "3094", "CVE-2024-3094"),
        ("images", "a b", "pattern of images"),
    ],
)
def test_a_waiver_needs_a_cve_a_reason_and_an_end(key: str, value: Any, what: str) -> None:
    path, told = refused(**{key: value})
    assert path == f"images.vulnerabilities.waivers[0].{key}"
    assert what in told


def test_as_json_has_it_a_policy_is_the_same_policy() -> None:
    policy = made(refuse="high", waivers=[WAIVER])
    assert Vulnerabilities.model_validate(policy.model_dump(mode="json")) == policy
