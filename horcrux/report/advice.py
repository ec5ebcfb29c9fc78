"""Capacity advice, computed from the report's figures. Pure; the thresholds are here, with reasons."""

from collections.abc import Iterator
from dataclasses import dataclass

from horcrux.report.figures import App, Host, Report, mean
from horcrux.report.span import Points, Span
from horcrux.report.units import DAY, listed, many, percent, rate, seconds

DISK_FULL = 0.85  # Docker and databases fail at 1; pulling an image needs room for it twice
DISK_DAYS = 30  # time enough to buy or to clear out
DISK_SPAN = 2 * DAY  # a trend of less than this is noise
DISK_GROWTH = 0.001  # a day; less than this is no growth
MEMORY_HIGH = 0.9  # beyond it the kernel soon kills tasks
CPU_BUSY = 0.7  # on average; queues grow steeply beyond it
CPU_PEAK = 0.95
LOSS = 0.9  # of what the other hosts have, when one is lost
SLOW_FACTOR, SLOW_SECONDS = 2.0, 0.1  # under load against the usual; below 0.1 s nobody notices
BUSY_BUCKETS = 12  # fewer with load say nothing
IDLE = 0.35  # peaks below this on every host leave room for more than twice as much
LEAST_SHARE = 0.5  # of the span with figures; with less, room to spare is not claimed
ACT, WATCH, WELL = "act", "watch", "well"


@dataclass(frozen=True)
class Advice:
    """One thing to do, and the figures that say so."""

    level: str  # act, watch, well
    text: str


def advise(report: Report) -> list[Advice]:
    """What to add, what to watch; what is well when nothing is to be done."""
    if not report.recorded:
        return []
    found = [
        *_disks(report),
        *_memory(report.hosts),
        *_processors(report.hosts),
        *_loss(report.hosts),
        *(advice for app in report.apps for advice in _slow(app)),
    ]
    found.sort(key=lambda a: a.level != ACT)
    return found or list(_room(report))


def _disks(report: Report) -> Iterator[Advice]:
    for host in report.hosts:
        now, grows = host.disk.now, growth(host.disk.points, report.span)
        if now is None:
            continue
        if now >= DISK_FULL:
            text = f"The disk of {host.name} is {percent(now)} full: clear it out or enlarge it."
            yield Advice(ACT, text)
        elif grows is not None and grows >= DISK_GROWTH and (1 - now) / grows <= DISK_DAYS:
            days = max(1, round((1 - now) / grows))
            text = (
                f"The disk of {host.name}, {percent(now)} full, fills by {percent(grows)} a day: "
                f"at this rate it is full in {many(days, 'day')}."
            )
            yield Advice(ACT if days <= DISK_DAYS / 4 else WATCH, text)


def _memory(hosts: tuple[Host, ...]) -> Iterator[Advice]:
    for host in hosts:
        average, peak = host.memory.average, host.memory.peak
        if average is not None and average >= MEMORY_HIGH:
            text = (
                f"Memory of {host.name} is {percent(average)} used on average: add a host, "
                "or give its apps less."
            )
            yield Advice(ACT, text)
        elif peak is not None and peak >= MEMORY_HIGH:
            text = f"Memory of {host.name} was {percent(peak)} used at its peak: little is left."
            yield Advice(WATCH, text)


def _processors(hosts: tuple[Host, ...]) -> Iterator[Advice]:
    busy = [h for h in hosts if h.cpu.average is not None and h.cpu.average >= CPU_BUSY]
    peaks = [h for h in hosts if h not in busy and h.cpu.peak and h.cpu.peak >= CPU_PEAK]
    if busy:
        named = listed(f"{h.name} ({percent(h.cpu.average)})" for h in busy)
        yield Advice(ACT, f"Processors are busy on average: {named}. Add a host, or larger ones.")
    if peaks:
        named = listed(f"{h.name} ({percent(h.cpu.average)} on average)" for h in peaks)
        text = f"Processors were used up for moments: {named}. No need while latency stays low."
        yield Advice(WATCH, text)


def _loss(hosts: tuple[Host, ...]) -> Iterator[Advice]:
    """Whether the others can carry what the most loaded host does."""
    if len(hosts) == 1:
        yield Advice(WATCH, "There is one host: when it is lost, everything is. Add managers.")
        return
    for what, uses in (
        ("processors", [h.cpu.average for h in hosts]),
        ("memory", [h.memory.average for h in hosts]),
    ):
        known = [use for use in uses if use is not None]
        if len(known) < 2:
            continue
        after = sum(known) / (len(known) - 1)
        if after >= LOSS:
            text = (
                f"When one host is lost, the others' {what} would be {percent(after)} used on "
                "average (hosts taken as equally large): add a host."
            )
            yield Advice(ACT, text)


def _slow(app: App) -> Iterator[Advice]:
    """Whether latency rises with load: then tasks are too few."""
    pairs = [(a, b) for a, b in zip(app.load, app.p95, strict=True) if a and b is not None]
    if len(pairs) < BUSY_BUCKETS:
        return
    pairs.sort()
    tenth = max(1, len(pairs) // 10)
    usual, busy = (
        mean([b for _, b in pairs[: len(pairs) // 2]]),
        mean([b for _, b in pairs[-tenth:]]),
    )
    if usual and busy and busy >= SLOW_SECONDS and busy >= SLOW_FACTOR * usual:
        more = f"`horcrux scale {app.name} {app.replicas + 1}`" if app.replicas else "more replicas"
        text = (
            f"{app.name} gets slow under load: p95 {seconds(busy)} in its busiest hours "
            f"({rate(pairs[-tenth][0])} requests/s and more), {seconds(usual)} in its quiet half. "
            f"Try {more}."
        )
        yield Advice(WATCH, text)


def _room(report: Report) -> Iterator[Advice]:
    peaks = [p for h in report.hosts for p in (h.cpu.peak, h.memory.peak) if p is not None]
    if not peaks:
        yield Advice(WATCH, "What the hosts carry is not recorded: capacity cannot be judged.")
    elif report.covered < LEAST_SHARE * report.span.seconds:
        yield Advice(WELL, "Nothing needs to be added, as far as the records go.")
    elif max(peaks) < IDLE:
        text = (
            f"Nothing needs to be added: no host used more than {percent(max(peaks))} of its "
            "processors or memory; there is room for about twice the load."
        )
        yield Advice(WELL, text)
    else:
        text = (
            f"Nothing needs to be added: no processor or memory was beyond {percent(max(peaks))}."
        )
        yield Advice(WELL, text)


def growth(points: Points, span: Span) -> float | None:
    """How much a share grows in a day (least squares); None when too little is known."""
    known = [(at / DAY, p) for at, p in zip(span.times, points, strict=True) if p is not None]
    if not known or (known[-1][0] - known[0][0]) * DAY < DISK_SPAN:
        return None
    middle_x, middle_y = (sum(v[i] for v in known) / len(known) for i in (0, 1))
    spread = sum((x - middle_x) ** 2 for x, _ in known)
    return sum((x - middle_x) * (y - middle_y) for x, y in known) / spread
