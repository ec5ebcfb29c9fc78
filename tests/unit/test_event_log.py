"""The log of events: bounded, kept in a file, and followed."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from control import event_log
from control.event_log import MOST, MOST_OF_ONE, WINDOW_SECONDS, EventLog, of_json
from control.events import Event

SOON = 5  # seconds in which what is awaited surely comes; it takes milliseconds


def event(number: int, time: float | None = None) -> Event:
    moment = float(number) if time is None else time
    return Event(f"e{number}", moment, "host", "info", "manager-1", f"happening {number}")


def ids(events: list[Event]) -> list[str]:
    return [e.id for e in events]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> int:
    """A log that holds five."""
    monkeypatch.setattr(event_log, "MOST", 5)
    return 5


def test_an_event_is_new_once(path: Path) -> None:
    log = EventLog(path)
    assert ids(log.add([event(1), event(2)])) == ["e1", "e2"]
    assert ids(log.add([event(2), event(3)])) == ["e3"]
    assert log.add([event(1)]) == []


def test_events_are_in_the_order_in_which_they_happened(path: Path) -> None:
    log = EventLog(path)
    log.add([event(3), event(1)])
    log.add([event(2)])
    assert ids(log.events) == ["e1", "e2", "e3"]


def test_the_oldest_go_first(path: Path, few: int) -> None:
    log = EventLog(path)
    for number in range(8):
        log.add([event(number)])
    assert ids(log.events) == ["e3", "e4", "e5", "e6", "e7"]
    assert ids(EventLog(path).events) == ids(log.events)


def test_a_task_that_fails_again_and_again_does_not_push_out_the_rest(path: Path) -> None:
    log = EventLog(path)
    log.add([event(0, 0.0)])
    for second in range(1, 200):
        text = f"task dying.{second} failed"
        log.add([Event(f"t{second}", float(second), "task", "error", "dying", text)])
    assert [e.id for e in log.events] == ["e0", *(f"t{n}" for n in range(1, MOST_OF_ONE + 1))]
    later = Event("later", WINDOW_SECONDS + 20.0, "task", "error", "dying", "task dying.2 failed")
    other = Event("other", 199.0, "task", "error", "hello", "task hello.1 failed")
    assert log.add([later, other]) == [later, other]


def test_the_file_stays_short(path: Path, few: int) -> None:
    log = EventLog(path)
    lengths = []
    for number in range(50):
        log.add([event(number)])
        lengths.append(len(path.read_text().splitlines()))
    assert max(lengths) <= 2 * few + 1
    assert not path.with_suffix(".new").exists()


def test_the_file_outlives_control(path: Path) -> None:
    EventLog(path).add([event(1), event(2)])
    again = EventLog(path)
    assert again.events == [event(1), event(2)]
    again.add([event(3)])
    assert ids(EventLog(path).events) == ["e1", "e2", "e3"]


@pytest.mark.parametrize(
    "spoilt",
    ['{"id": "e9", "ti', "\n", "null\n", "[]\n", '{"id": "e9"}\n', "\x00\x00\n", "7\n"],
)
def test_a_line_that_cannot_be_read_costs_that_line(path: Path, spoilt: str) -> None:
    EventLog(path).add([event(1), event(2)])
    path.write_text(f"{path.read_text()}{spoilt}")
    log = EventLog(path)
    assert ids(log.events) == ["e1", "e2"]
    log.add([event(3)])
    assert ids(EventLog(path).events) == ["e1", "e2", "e3"], "what follows half a line is whole"


def test_a_file_that_is_no_text_costs_the_history(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00")
    assert EventLog(path).events == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux'")
def test_a_full_disk_costs_history_and_not_the_service(path: Path) -> None:
    log = EventLog(path)
    log._lines = 1  # it has a file, which it appends to
    path.symlink_to("/dev/full")
    assert ids(log.add([event(1)])) == ["e1"]
    assert ids(log.events) == ["e1"]
    log.add([event(2)])
    assert ids(EventLog(path).events) == ["e1", "e2"], "there is room again: all of it is written"


def test_a_log_that_can_be_written_nowhere_still_holds_events() -> None:
    log = EventLog(Path("/dev/null/events.jsonl"))
    assert ids(log.add([event(1)])) == ["e1"]
    assert ids(log.since(0)) == ["e1"]


@pytest.mark.parametrize(
    ("since", "limit", "expected"),
    [
        (0, MOST, ["e1", "e2", "e3", "e4"]),
        (2, MOST, ["e3", "e4"]),
        (0, 2, ["e3", "e4"]),
        (3, 2, ["e4"]),
        (9, MOST, []),
        (0, 0, []),
        (0, 99, ["e1", "e2", "e3", "e4"]),
    ],
)
def test_the_last_events_after_a_time(
    path: Path, since: float, limit: int, expected: list[str]
) -> None:
    log = EventLog(path)
    log.add(event(number) for number in (1, 2, 3, 4))
    assert ids(log.since(since, limit)) == expected


async def next_of(stream: AsyncIterator[Event]) -> str:
    async with asyncio.timeout(SOON):
        return (await anext(stream)).id


async def waits(stream: AsyncIterator[Event]) -> bool:
    """Whether the stream has nothing to tell now. It cannot be used after that."""
    asked = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asked.cancel()
    return not asked.done() or asked.cancelled()


async def test_who_follows_is_told_what_there_is_and_then_what_comes(path: Path) -> None:
    log = EventLog(path)
    log.add([event(1), event(2)])
    stream = log.follow(1.0)
    assert await next_of(stream) == "e2"
    waiting = asyncio.create_task(next_of(stream))
    await asyncio.sleep(0)
    log.add([event(3)])
    assert await waiting == "e3"
    assert await waits(stream)


async def test_a_late_event_of_another_control_s_is_told_once(path: Path) -> None:
    log = EventLog(path)
    log.add([event(1), event(5)])
    stream = log.follow(5.0)
    waiting = asyncio.create_task(next_of(stream))
    await asyncio.sleep(0)
    log.add([event(3)])  # it happened before, and is heard of now
    assert await waiting == "e3"
    log.add([event(3), event(6)])
    assert await next_of(stream) == "e6"
    assert await waits(stream)


async def test_what_comes_while_a_slow_reader_reads_is_not_lost(path: Path) -> None:
    log = EventLog(path)
    log.add([event(1), event(2)])
    stream = log.follow(0.0)
    assert await next_of(stream) == "e1"
    log.add([event(3)])
    log.add([event(4), event(1)])
    assert [await next_of(stream) for _ in range(3)] == ["e2", "e3", "e4"]
    assert await waits(stream)


async def test_all_who_follow_are_told(path: Path) -> None:
    log = EventLog(path)
    streams = [log.follow(0.0) for _ in range(5)]
    waiting = [asyncio.create_task(next_of(stream)) for stream in streams]
    await asyncio.sleep(0)
    log.add([event(1)])
    assert await asyncio.gather(*waiting) == ["e1"] * 5


async def test_who_follows_a_log_that_overflows_is_told_the_rest(path: Path, few: int) -> None:
    log = EventLog(path)
    stream = log.follow(0.0)
    log.add([event(number) for number in range(1, 9)])
    assert [await next_of(stream) for _ in range(few)] == ["e4", "e5", "e6", "e7", "e8"]
    log.add([event(9)])
    assert await next_of(stream) == "e9"


def test_an_event_is_the_same_after_a_journey_as_json() -> None:
    assert of_json(json.loads(json.dumps(event(1).as_json()))) == event(1)
    assert of_json({**event(1).as_json(), "of a later version": 1}) == event(1)


@pytest.mark.parametrize("document", [{}, {"id": "a"}])
def test_what_is_no_event_is_an_error(document: dict[str, str]) -> None:
    with pytest.raises(KeyError):
        of_json(document)
