"""What is known against packages: as debsecan and dpkg see it, and what the tracker's words come to."""

import json
import shutil
import subprocess
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from horcrux.contents import advisories, packages, vulnerabilities
from horcrux.contents.packages import Contents, Package, System
from horcrux.contents.vulnerabilities import Advisory, Finding, Severity, affected, older
from horcrux.contents.waivers import judged
from horcrux.settings.vulnerabilities import Waiver

RECORDED = Path(__file__).parent / "recorded" / "debsecan.json"
BOOKWORM = System("debian", "bookworm", "Debian 12")
OPENSSL = Package("deb", "libssl3", "3.0.9-1+b1", "amd64", "openssl", "3.0.9-1")
KNOWN = Advisory("openssl", "CVE-2026-10001", "resolved", "not yet assigned", "3.0.15-1~deb12u1")
TODAY = date(2026, 11, 28)


def found(advisory: Advisory, *installed: Package) -> tuple[Finding, ...]:
    contents = Contents(BOOKWORM, installed or (OPENSSL,))
    return vulnerabilities.findings(contents, [advisory]).found


def test_debsecan_finds_the_same_in_the_same_data() -> None:
    recorded = json.loads(RECORDED.read_text())
    system = b"ID=debian\nVERSION_CODENAME=bookworm\n"
    contents = packages.contents(
        {packages.DPKG: recorded["status"].encode(), "etc/os-release": system}
    )
    told = [
        Advisory(*row[1:])
        for source, issues in recorded["tracker"].items()
        for row in advisories.rows(source, issues)
        if row[0] == "bookworm"
    ]
    findings = vulnerabilities.findings(contents, told).found
    assert (
        sorted(f"{its.cve} {name}" for its in findings for name in its.packages)
        == recorded["found"]
    )
    assert len(recorded["found"]) > 100


PART = st.text("0123456789abz.+~", max_size=6)
VERSION = st.builds(
    lambda epoch, start, upstream, revision: f"{epoch}{start}{upstream}{revision}",
    st.sampled_from(["", "0:", "1:"]), st.integers(0, 20), PART, PART.map(lambda r: f"-{r}" if r else ""),
)  # fmt: skip


@pytest.mark.skipif(not shutil.which("dpkg"), reason="a system without dpkg")
@settings(deadline=None, max_examples=100)
@given(VERSION, VERSION)
def test_versions_are_in_dpkg_s_order(one: str, other: str) -> None:
    asked = subprocess.run(["dpkg", "--compare-versions", one, "lt", other], check=False)
    assert older(one, other) == (asked.returncode == 0)


def test_a_version_that_is_none_counts_as_older_rather_than_being_missed() -> None:
    for version in ("not a version", "x:1", "1²", "9" * 100_000):
        assert older(version, "1.0")
        assert not older(version, version)


def test_a_finding_names_the_packages_of_its_source_and_what_repairs_it() -> None:
    tool = Package("deb", "openssl", "3.0.9-1", "amd64", "openssl", "3.0.9-1")
    assert found(KNOWN, OPENSSL, tool) == (
        Finding(
            Severity.LOW, "CVE-2026-10001", "openssl", "3.0.9-1", ("libssl3", "openssl"),
            "3.0.15-1~deb12u1", "not yet assigned",
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("urgency", "severity"),
    [
        ("high", Severity.HIGH),
        ("high**", Severity.HIGH),
        ("medium", Severity.MEDIUM),
        ("low", Severity.LOW),
        ("end-of-life", Severity.MEDIUM),
        ("not yet assigned", Severity.LOW),
        ("a word of tomorrow", Severity.LOW),
    ],
)
def test_severity_is_the_tracker_s_urgency(urgency: str, severity: Severity) -> None:
    for status in ("resolved", "open"):
        assert [its.severity for its in found(replace(KNOWN, urgency=urgency, status=status))] == [
            severity
        ]


def test_what_a_security_update_repairs_is_more_than_minor_where_no_urgency_is_said() -> None:
    (its,) = found(replace(KNOWN, security="3.0.15-1~deb12u2"))
    assert its.severity == Severity.MEDIUM
    (its,) = found(replace(KNOWN, security="3.0.11-1~deb12u1"))  # of another issue, before
    assert its.severity == Severity.LOW
    (its,) = found(replace(KNOWN, security="3.0.15-1~deb12u2", urgency="low"))
    assert its.severity == Severity.LOW


def test_unimportant_issues_are_none_and_undetermined_ones_are_counted() -> None:
    assert found(replace(KNOWN, urgency="unimportant")) == ()
    told = [replace(KNOWN, status="undetermined", fixed="")]
    findings = vulnerabilities.findings(Contents(BOOKWORM, (OPENSSL,)), told)
    assert (findings.found, findings.undetermined) == ((), 1)


def test_an_open_issue_has_no_fix_and_says_why() -> None:
    (its,) = found(replace(KNOWN, status="open", fixed="", minor="Minor issue"))
    assert (its.fixed, its.note) == (None, "Minor issue")


@pytest.mark.parametrize(
    ("version", "advisory", "is_affected"),
    [
        ("3.0.9-1", KNOWN, True),
        ("3.0.15-1~deb12u1", KNOWN, False),
        ("3.0.15-1~bpo1", KNOWN, True),
        ("0~git1-1", replace(KNOWN, fixed="0"), False),
        ("3.2.0-1~bpo12+1", replace(KNOWN, status="open", fixed="", unstable="3.1.0-1"), False),
        ("3.0.9-1", replace(KNOWN, status="open", fixed="", unstable="3.1.0-1"), True),
        ("9:9", replace(KNOWN, status="open", fixed=""), True),
    ],
    ids=["older", "repaired", "before it", "never", "backport of what is repaired", "open", "open anywhere"],
)  # fmt: skip
def test_which_versions_have_an_issue(version: str, advisory: Advisory, is_affected: bool) -> None:
    assert affected(version, advisory) == is_affected


def test_the_kernel_s_headers_are_not_the_kernel() -> None:
    headers = Package("deb", "linux-libc-dev", "6.1.1-1", "amd64", "linux", "6.1.1-1")
    contents = Contents(BOOKWORM, (headers, OPENSSL))
    assert vulnerabilities.sources(contents) == {"openssl"}
    findings = vulnerabilities.findings(contents, [replace(KNOWN, source="linux")])
    assert (findings.found, findings.unchecked) == ((), {})


def test_what_debian_says_nothing_of_is_counted_and_not_called_well() -> None:
    flask = Package("pypi", "flask", "1.0")
    assert vulnerabilities.findings(Contents(BOOKWORM, (OPENSSL, flask)), []).unchecked == {
        "pypi": 1
    }
    ubuntu = Contents(System("ubuntu", "noble", "Ubuntu 24.04"), (OPENSSL,))
    assert vulnerabilities.findings(ubuntu, [KNOWN]).found == ()
    assert vulnerabilities.findings(ubuntu, [KNOWN]).unchecked == {"deb": 1}


def test_the_worst_come_first_and_of_these_what_can_be_repaired() -> None:
    told = [
        replace(KNOWN, cve="CVE-2026-10001", urgency="low"),
        replace(KNOWN, cve="CVE-2026-10002", urgency="high", status="open", fixed=""),
        replace(KNOWN, cve="CVE-2026-10003", urgency="high"),
        replace(KNOWN, cve="CVE-2026-10004", urgency="medium"),
    ]
    findings = vulnerabilities.findings(Contents(BOOKWORM, (OPENSSL,)), told).found
    assert [its.cve[-1] for its in findings] == ["3", "2", "4", "1"]


def waiver(**other: object) -> Waiver:
    told = {"cve": KNOWN.cve, "reason": "not reachable", "until": TODAY, **other}
    return Waiver.model_validate(told)


def test_a_waiver_holds_until_the_end_of_its_day_and_no_longer() -> None:
    findings = found(KNOWN)
    own = waiver()
    for day, holds in ((TODAY, True), (TODAY - timedelta(9), True), (TODAY + timedelta(1), False)):
        (its,) = judged(findings, [own], "shop", day)
        assert (its.waiver, its.expired) == ((own, None) if holds else (None, own))


def test_of_two_waivers_the_longer_counts() -> None:
    short, long = waiver(until=TODAY - timedelta(1)), waiver(until=TODAY + timedelta(1))
    for waivers in ([short, long], [long, short]):
        assert judged(found(KNOWN), waivers, "shop", TODAY)[0].waiver == long


@pytest.mark.parametrize(
    ("pattern", "image", "holds"),
    [
        ("*", "docker.io/library/nginx", True),
        ("registry/shop", "registry/shop", True),
        ("registry/shop", "registry/shop/web", False),
        ("registry/shop/*", "registry/shop/web", True),
        ("shop", "registry/shop", False),
        ("docker.io/library/*", "docker.io/library/nginx", True),
        ("quay.io/*", "docker.io/library/nginx", False),
    ],
)
def test_a_waiver_is_about_its_images_alone(pattern: str, image: str, holds: bool) -> None:
    (its,) = judged(found(KNOWN), [waiver(images=pattern)], image, TODAY)
    assert bool(its.waiver) == holds


def test_a_waiver_is_about_its_issue_alone() -> None:
    (its,) = judged(found(KNOWN), [waiver(cve="CVE-2026-10002")], "shop", TODAY)
    assert (its.waiver, its.expired) == (None, None)
