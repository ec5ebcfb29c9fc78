"""The report: what is asked, what is computed, what the page says; never a broken chart."""

import math
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest

from horcrux.cluster.control import ControlError
from horcrux.report import units
from horcrux.report.advice import ACT, WATCH, WELL, advise, growth
from horcrux.report.ask import Answers, gather, pieces
from horcrux.report.charts import Line, Mark, chart, scale
from horcrux.report.figures import App, Host, Report, Use, compute
from horcrux.report.firing import Firing, firings, union_seconds
from horcrux.report.page import render
from horcrux.report.queries import QUERIES
from horcrux.report.releases import Release
from horcrux.report.span import Points, Span, gaps
from horcrux.report.units import DAY, HOUR, MINUTE
from horcrux.report.words import sentences

END = 1_790_000_000
WEEK = Span.back(7 * DAY, END)
N = len(WEEK.times)
OUTSIDE = re.compile(r"""(?:https?:)?//[\w.-]+\.\w+|url\(|<script|<link|@import|\bsrc=""", re.I)
Series = list[dict[str, Any]]


def sample(**labels: str) -> Callable[[list[int], Callable[[int], float]], dict[str, Any]]:
    return lambda times, value: {"labels": labels, "values": [[t, value(t)] for t in times]}


class Environment:
    """A week that somebody might have had: three apps, three hosts, releases, alerts, a gap."""

    def __init__(self, apps: tuple[str, ...] = ("hello", "shop-[b]<i>&", "wiki")) -> None:
        self.apps, self.gap = apps, (WEEK.start + 3 * DAY, WEEK.start + 3 * DAY + 10 * HOUR)
        self.failing: set[str] = set()

    def __call__(self, path: str) -> dict[str, Any]:
        if path == "/v1/overview":
            apps = [{"name": name, "replicas": {"desired": 2, "running": 2}} for name in self.apps]
            return {"environment": "dev", "apps": apps}
        query = parse_qs(urlsplit(path).query)
        text = query["query"][0]
        if any(word in text for word in self.failing):
            raise ControlError("prometheus: no task runs")
        start, end, step = (int(query[key][0]) for key in ("start", "end", "step"))
        times = [t for t in range(start, end + 1, step) if not self.gap[0] < t <= self.gap[1]]
        found = self.answer(text, times, step)
        return {"result": [series for series in found if series["values"]]}

    def answer(self, text: str, times: list[int], step: int) -> Series:
        if "host:" in text:
            return [sample(host=f"manager-{n}")(times, lambda _: 0.4) for n in (1, 2, 3)]
        if "ALERTS" in text:
            burst = [t for t in times if WEEK.end - 2 * HOUR < t <= WEEK.end - 2 * HOUR + 240]
            labels = {"alertname": "AppErrors", "severity": "critical", "app": self.apps[0]}
            return [sample(**labels)(burst, lambda _: 1.0)]
        return [series for app in self.apps for series in self.of_app(app, text, times, step)]

    def of_app(self, app: str, text: str, times: list[int], step: int) -> Series:
        if "haproxy_backend" in text:
            return [
                sample(app=app, code="2xx")(times, lambda _: 9.0 * step),
                sample(app=app, code="5xx")(times, lambda _: 0.001 * step),
            ]
        if "release_info" in text:
            began = {"1": WEEK.start, "2": WEEK.start + 2 * DAY + 90}
            return [
                sample(app=app, release=f"hash{number}", number=number)(
                    [t for t in times if t >= at],
                    lambda t, at=at: max(at, t - step),  # type: ignore[misc]
                )
                for number, at in began.items()
            ]
        if "errors:ratio" in text:
            return []
        wave = lambda t: 5 + 4 * math.sin(t / 14_000)  # noqa: E731
        return [sample(app=app)(times, wave)]


def report_of(ask: Callable[[str], dict[str, Any]], span: Span = WEEK) -> Report:
    return compute(gather(ask, span, lambda *_: None), span)


def page_of(report: Report) -> tuple[str, ElementTree.Element]:
    """The page, and its tree: it must be well-formed and ask nobody for anything."""
    page = render(report, END)
    assert not OUTSIDE.search(page), OUTSIDE.search(page)
    assert "http" not in page
    assert not re.search(r"\b(None|nan|inf)\b", page), "a figure that is none must not be shown"
    return page, ElementTree.fromstring(page)


def words(root: ElementTree.Element) -> str:
    return " ".join("".join(root.itertext()).split())


def strokes(svg: ElementTree.Element) -> list[ElementTree.Element]:
    """The lines of a chart's series."""
    return svg.findall(".//g[@class='series serie-0 color-0']/path[@class='line']")


# The page.


def test_a_week_is_one_page_that_asks_nobody_for_anything() -> None:
    page, root = page_of(report_of(Environment()))
    said = words(root)
    assert "3 apps served" in said
    assert "1 critical alert fired, for 4 min in all" in said
    assert "For 10 h nothing was recorded" in said
    assert "shop-[b]<i>&" in said
    assert len(root.findall(".//svg")) == 3 * 3 + 3
    assert page.count('class="mark"') == 3 * 3, "each app's release stands in each of its charts"
    assert len(page) < 400_000


def test_a_gap_in_a_series_is_a_gap_in_its_line() -> None:
    report = report_of(Environment())
    assert report.gaps == ((WEEK.start + 3 * DAY, WEEK.start + 3 * DAY + 10 * HOUR),)
    _, root = page_of(report)
    first = next(iter(root.iter("svg")))
    assert len(strokes(first)) == 2


def test_an_environment_without_any_records_says_so() -> None:
    def nothing(path: str) -> dict[str, Any]:
        return {"environment": "dev", "apps": []} if path == "/v1/overview" else {"result": []}

    _, root = page_of(report_of(nothing))
    assert "Nothing was recorded in this time" in words(root)
    assert root.find(".//svg") is None


def test_apps_without_requests_have_no_broken_charts() -> None:
    def bare(path: str) -> dict[str, Any]:
        if path == "/v1/overview":
            return {"environment": "dev", "apps": [{"name": "db", "replicas": None}]}
        query = parse_qs(urlsplit(path).query)
        values = [[int(query["start"][0]), "NaN"], [int(query["end"][0]), None]]
        host = "host:cpu" in query["query"][0]
        labels = {"host": "h"} if host else {"app": "db"}
        return {
            "result": [
                {"labels": labels, "values": [[v[0], 0.1] for v in values] if host else values}
            ]
        }

    report = report_of(bare)
    _, root = page_of(report)
    assert report.apps[0].good is None
    assert "no requests were counted" in words(root)


def test_a_hundred_apps_are_in_the_table_and_the_busiest_have_charts() -> None:
    environment = Environment(tuple(f"app-{n}" for n in range(100)))
    page, root = page_of(report_of(environment))
    assert len(root.findall(".//div[@class='app']")) == 12
    assert "app-99" in words(root)
    assert "Charts are of the 12 apps asked most" in words(root)
    assert len(page) < 1_500_000


def test_what_could_not_be_asked_is_told_and_the_rest_is_there() -> None:
    environment = Environment()
    environment.failing = {"ALERTS", "host:disk"}
    report = report_of(environment)
    assert set(report.failed) == {"alerts", "disks", "disks' peaks"}
    said = words(page_of(report)[1])
    assert "Alerts could not be asked for." in said
    assert "Not in here: disks (prometheus: no task runs)." in said
    assert "No critical alert" not in said
    assert "nothing was recorded" in said, "the chart of disks says it in words"


def test_no_monitoring_at_all_is_an_error() -> None:
    environment = Environment()
    environment.failing = {""}
    with pytest.raises(ControlError, match="monitoring does not answer: prometheus"):
        report_of(environment)


def test_how_far_it_is_told_as_it_asks() -> None:
    told: list[tuple[str, int, int]] = []
    gather(Environment(), WEEK, lambda *step: told.append(step))
    assert told[-1][1] == told[-1][2] == len(told) - 1
    assert {what for what, _, _ in told[:-1]} == {query.what for query in QUERIES}


# The span.


@pytest.mark.parametrize(
    ("seconds", "step"), [(HOUR, MINUTE), (6 * HOUR, 5 * MINUTE), (2 * DAY, 15 * MINUTE),
                          (7 * DAY, HOUR), (30 * DAY, 6 * HOUR), (120 * DAY, DAY)]
)  # fmt: skip
def test_buckets_fit_the_span(seconds: int, step: int) -> None:
    span = Span.back(seconds, END)
    assert span.step == step
    assert span.times[-1] == END
    assert span.times[0] == span.start + step
    assert span.seconds >= seconds
    assert 2 <= len(span.ticks(3600)) <= 8
    assert span.seconds / span.fine <= 10_000


@pytest.mark.parametrize("query", QUERIES, ids=lambda q: q.name)
def test_the_pieces_of_a_question_are_the_whole_span_each_bucket_once(query: Any) -> None:
    found = [t for first, last, step in pieces(WEEK, query) for t in range(first, last + 1, step)]
    step = WEEK.fine if query.fine else WEEK.step
    assert found == list(range(WEEK.start + step, END + 1, step))
    assert "{step}" not in query.of(60)
    assert "60s" in query.of(60)


def test_gaps_are_stretches() -> None:
    span = Span(0, 300, 60)
    assert gaps(span, [True, False, False, True, False]) == [(60, 180), (240, 300)]
    assert gaps(span, [True] * 5) == []


# Charts.


def line(points: Points) -> list[Line]:
    return [Line("load", points)]


def test_a_chart_without_a_point_is_nothing() -> None:
    assert chart("load", WEEK, line([None] * N), str) == ""
    assert chart("load", WEEK, [], str) == ""


@pytest.mark.parametrize("known", [1, 2])
def test_a_lone_point_is_drawn(known: int) -> None:
    svg = chart("load", WEEK, line([3.0] * known + [None] * (N - known)), str)
    assert len(strokes(ElementTree.fromstring(svg))) == 1


@pytest.mark.parametrize("value", [0.0, 1e-9, 1.0, 1e12])
def test_a_flat_line_of_any_height_is_drawn(value: float) -> None:
    svg = chart("load", WEEK, line([value] * N), lambda v: f"{v:g}")
    assert len(strokes(ElementTree.fromstring(svg))) == 1
    assert "nan" not in svg


def test_names_in_a_chart_are_text() -> None:
    svg = chart('a "<b>"', WEEK, line([1.0] * N), str, marks=[Mark(WEEK.start + DAY, "<r&2>")])
    root = ElementTree.fromstring(svg)
    assert root.get("aria-label") == 'a "<b>"'
    assert "<r&2>" in "".join(root.itertext())


@pytest.mark.parametrize("most", [0.0, 0.003, 0.01, 1.0, 7.0, 42.0, 999.0, 123_456.0])
def test_scales_have_few_round_labels_and_reach_the_highest(most: float) -> None:
    labels = scale(most)
    assert labels[0] == 0
    assert labels[-1] >= most
    assert 2 <= len(labels) <= 5


# Alerts and releases.


def key(**labels: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))


def test_an_alert_that_fired_twice_has_two_stretches() -> None:
    times = [60, 120, 180, 600, 660]
    found = firings(
        {
            key(alertname="B", severity="warning", host="h"): dict.fromkeys(times, 1.0),
            key(alertname="A", severity="critical"): {600: 1.0},
            key(alertname="C", severity="critical"): {},
        },
        Span(0, 6000, 60),
    )
    assert [f.name for f in found] == ["A", "B"]
    assert found[1].stretches == ((0, 180), (540, 660))
    assert found[1].seconds == 300
    assert found[1].subject == "h"


def test_alerts_at_the_same_time_count_once() -> None:
    one = Firing("A", "critical", "", ((0, 100), (500, 600)))
    other = Firing("B", "critical", "", ((50, 120), (510, 520)))
    assert union_seconds([one, other]) == 220
    assert union_seconds([]) == 0


def test_releases_that_were_there_before_are_no_releases_of_the_week() -> None:
    report = report_of(Environment(("hello",)))
    assert report.releases == (Release("hello", "r2", WEEK.start + 2 * DAY + 90),)


def test_a_release_without_a_number_has_its_hash() -> None:
    answers = Answers(
        series={
            "releases": {
                key(app="a", release="0ld", number="1"): {WEEK.start: float(WEEK.start)},
                key(app="a", release="beef", number=""): {END: float(END - 60)},
            }
        }
    )
    assert [r.name for r in compute(answers, WEEK).releases] == ["beef"]


# Advice and words.


def use(points: Points | float | None, peak: float | None = None) -> Use:
    values = points if isinstance(points, list) else [points] * N
    return Use(values, peak if peak is not None else max((p for p in values if p), default=None))


def host(name: str = "manager-1", **uses: Use) -> Host:
    return Host(name, **{"cpu": use(0.2), "memory": use(0.3), "disk": use(0.4), **uses})


def an_app(name: str = "hello", **more: Any) -> App:
    flat: Points = [1.0] * N
    known = {"requests": 1e6, "bad": 200.0, "down_minutes": 0.0, "load": flat, "errors": flat,
             "p50": flat, "p95": flat, "p99": flat, "peak": 2.0, "replicas": 2}  # fmt: skip
    return App(name, **{**known, **more})


def a_report(hosts: list[Host], *apps: App, **more: Any) -> Report:
    known: dict[str, Any] = {"alerts": (), "releases": (), "gaps": ()}
    return Report("dev", WEEK, apps, tuple(hosts), **{**known, **more})


THREE = [host("a"), host("b"), host("c")]
RISING: Points = [0.5 + 0.3 * n / N for n in range(N)]  # 30 % in a week


@pytest.mark.parametrize(
    ("hosts", "level", "words"),
    [
        (THREE, WELL, "no host used more than 30 %"),
        ([*THREE, host("d", disk=use(0.9))], ACT, "disk of d is 90 % full"),
        ([*THREE, host("d", disk=use(RISING))], ACT, "at this rate it is full in 5 days"),
        ([*THREE, host("d", memory=use(0.92))], ACT, "Memory of d is 92 % used on average"),
        ([*THREE, host("d", memory=use(0.5, 0.95))], WATCH, "Memory of d was 95 % used"),
        ([*THREE, host("d", cpu=use(0.8))], ACT, "busy on average: d (80 %)"),
        ([*THREE, host("d", cpu=use(0.2, 0.99))], WATCH, "used up for moments: d"),
        ([host("a"), host("b", cpu=use(0.2, 0.5))], WELL, "was beyond 50 %"),
        ([host("a", memory=use(0.6)), host("b", memory=use(0.6))], ACT, "memory would be 120 %"),
        ([host("a")], WATCH, "There is one host"),
        ([host("a", cpu=use(None), memory=use(None), disk=use(None)), host("b", cpu=use(None),
          memory=use(None), disk=use(None))], WATCH, "cannot be judged"),
    ],
)  # fmt: skip
def test_advice_follows_from_the_figures(hosts: list[Host], level: str, words: str) -> None:
    found = advise(a_report(hosts))
    assert any(a.level == level and words in a.text for a in found), found


def test_what_is_to_be_done_stands_before_what_is_to_be_watched() -> None:
    found = advise(a_report([host("a", cpu=use(0.1, 0.99)), host("b", memory=use(0.99))]))
    assert [a.level for a in found] == sorted(a.level for a in found)
    assert len(found) > 1


def test_an_app_that_slows_down_under_load_is_to_have_more_tasks() -> None:
    load: Points = [float(n % 24) for n in range(N)]
    slow: Points = [0.05 + (0.4 if n % 24 > 20 else 0.0) for n in range(N)]
    (advice,) = advise(a_report(THREE, an_app(load=load, p95=slow)))
    assert "`horcrux scale hello 3`" in advice.text
    assert advise(a_report(THREE, an_app(load=load)))[0].level == WELL
    few: Points = [*load[:5], *[None] * (N - 5)]
    assert advise(a_report(THREE, an_app(load=few, p95=slow)))[0].level == WELL


def test_little_is_claimed_from_few_records() -> None:
    report = a_report(THREE, gaps=((WEEK.start, WEEK.end - DAY),))
    assert [a.text for a in advise(report)] == [
        "Nothing needs to be added, as far as the records go."
    ]
    assert advise(a_report([])) == []


def test_growth_is_a_day_s_and_needs_two_days() -> None:
    grows = growth(RISING, WEEK)
    assert grows is not None
    assert grows == pytest.approx(0.3 / 7, rel=0.01)
    assert growth([*RISING[:24], *[None] * (N - 24)], WEEK) is None


def test_the_summary_reads_well() -> None:
    critical = Firing("A", "critical", "hello", ((WEEK.start, WEEK.start + 240),))
    report = a_report(
        THREE,
        an_app("hello", down_minutes=3.0),
        an_app("wiki"),
        an_app("db", requests=None, bad=None),
        alerts=(critical, Firing("B", "warning", "", ((0, 60),))),
        releases=(Release("hello", "r2", END), Release("wiki", "r5", END)),
    )
    assert sentences(report) == [
        "3 apps served 2.0 million requests, 99.98 % of them good.",
        "hello was down for 3 min; no other app was.",
        "1 critical alert fired, for 4 min in all; 1 warning.",
        "2 releases of 2 apps.",
    ]


def test_a_quiet_week_says_so() -> None:
    assert sentences(a_report(THREE, an_app(bad=0.0))) == [
        "1 app served 1.0 million requests, 100 % of them good.",
        "No app was down.",
        "No critical alert fired; no warning did either.",
    ]


def test_records_that_begin_within_the_span_say_when() -> None:
    report = a_report(THREE, an_app(), gaps=((WEEK.start, WEEK.start + DAY),))
    assert sentences(report)[-1].startswith("The records begin on ")


# Figures in words.


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        (units.good(0.99999999), "99.9999 %"),
        (units.good(1.0), "100 %"),
        (units.good(0.9998), "99.98 %"),
        (units.good(0.99995), "99.995 %"),
        (units.good(None), units.NOTHING),
        (units.percent(0.0), "0 %"),
        (units.percent(0.00001), "<0.01 %"),
        (units.percent(0.0996), "10 %"),
        (units.seconds(0.0034), "3.4 ms"),
        (units.seconds(0.9996), "1.0 s"),
        (units.seconds(None), units.NOTHING),
        (units.rate(0.01), "<0.1"),
        (units.rate(9.96), "10"),
        (units.rate(1234.0), "1.2k"),
        (units.rate(999.6), "1.0k"),
        (units.size(999_600.0), "1.0 MB"),
        (units.size(0.0), "0 B"),
        (units.count(1_234_567), "1.2 million"),
        (units.count(8412.3), "8,412"),
        (units.lasting(59.6), "1 min"),
        (units.lasting(7800), "2 h 10 min"),
        (units.lasting(DAY), "1 day"),
        (units.lasting(3 * DAY + 4 * HOUR), "3 days 4 h"),
        (units.listed(["a", "b", "c"]), "a, b and c"),
        (units.many(0, "app"), "no apps"),
        (units.plain("a\x1b[2J\nb"), "a [2J b"),
    ],
)
def test_figures_are_written_as_people_write_them(shown: str, wanted: str) -> None:
    assert shown == wanted


@pytest.mark.parametrize("value", ["NaN", "+Inf", None, "x", math.nan])
def test_what_is_no_figure_is_none(value: object) -> None:
    assert units.number(value) is None
