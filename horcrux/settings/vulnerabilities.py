"""Known vulnerabilities of images: where Debian's data about them comes from, and what is refused."""

import contextlib
import re
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from horcrux.settings.fields import Model, Text, described
from horcrux.settings.signatures import ImagePattern

# TEMP- is what Debian's tracker calls an issue that has no CVE yet.
ISSUE = re.compile(r"CVE-[0-9]{4}-[0-9]{4,}|TEMP-[0-9]+-[0-9A-F]+")
# Pulumi makes `2027-01-31 00:00:00 +0000 UTC` of 2027-01-31 without quotes.
DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]00:00:00.*)?")
TRACKER = "https://security-tracker.debian.org/tracker/data/json"


def _issue(value: str) -> str:
    if not ISSUE.fullmatch(value):
        raise ValueError(f"{value!r} is not a CVE: write it as CVE-2024-3094")
    return value


def _day(value: Any) -> Any:
    """A day, also as YAML and Pulumi hand it on when it is written without quotes."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    found = DAY.fullmatch(value) if isinstance(value, str) else None
    with contextlib.suppress(ValueError):
        if found:
            return date.fromisoformat(found[1])
    raise ValueError(f"{value!r} is not a day: write it as 2027-01-31")


Issue = Annotated[str, AfterValidator(_issue), described("CVE", pattern=f"^({ISSUE.pattern})$")]
Day = Annotated[date, BeforeValidator(_day), described("day")]


class Waiver(Model):
    """A known vulnerability that is taken, for a reason and until a day."""

    cve: Issue = Field(description="Its CVE.")
    images: ImagePattern = Field(
        default="*",
        description="In which images, with * and ?, by their whole names: `docker.io/library/*`, and "
        "`registry/shop` for the environment's own.",
    )
    reason: Text = Field(min_length=1, description="Why: kept with the settings.")
    until: Day = Field(description="The last day on which it is.")


class Vulnerabilities(Model):
    """Known vulnerabilities of the packages in images, from Debian's security tracker."""

    data: str = Field(
        default=TRACKER,
        min_length=1,
        description="Where the tracker's JSON is, also gzipped: a URL, or a file, relative to the project.",
    )
    refuse: Literal["none", "medium", "high"] = Field(
        default="none",
        description="An app is not deployed when its image has a vulnerability of this severity or a "
        "higher one. `high`: what Debian rates so; `medium`: also what it has made a security update "
        "for that the image lacks.",
    )
    waivers: tuple[Waiver, ...] = Field(default=(), description="What is not refused.")
