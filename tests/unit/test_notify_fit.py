"""The services' limits, with Chinese text, which takes three bytes a character, and worse."""

import json
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control.notify import dingtalk, email, feishu, wecom
from control.notify.fit import LEFT_OUT_BYTES, left_out
from control.notify.message import message
from control.notify.receivers import Receiver
from tests.support.receivers import STARTED, alert, payload

PORTAL = "https://portal.dev.example.org/"
BOTS = [dingtalk, feishu, wecom]


def kind(bot: ModuleType) -> str:
    return bot.__name__.rpartition(".")[2]


def sent(bot: ModuleType, raw: object) -> tuple[str, int]:
    """What the bot would show, and the bytes that its service counts."""
    assert isinstance(raw, dict)
    receiver = Receiver("x", kind(bot), url="https://x/?key=k", sign="" if bot is wecom else "s")
    body = bot.request(receiver, message(raw, STARTED, PORTAL), STARTED).body
    found = json.loads(body)
    if bot is wecom:
        content = found["markdown"]["content"]
        return content, len(content.encode())
    if bot is dingtalk:
        return found["markdown"]["text"], len(body)
    return found["card"]["elements"][0]["content"], len(body)


def chinese(number: int, points: int = 60) -> dict[str, object]:
    raw = alert(host=f"主机{number}")
    raw["annotations"]["summary"] = f"主机{number}已停止"
    raw["annotations"]["description"] = "未收到心跳" * (points // 5)
    return raw


@pytest.mark.parametrize("bot", BOTS, ids=kind)
@pytest.mark.parametrize("points", [20, 500])
def test_a_hundred_alerts_are_cut_by_whole_alerts_and_the_rest_is_counted(
    bot: ModuleType, points: int
) -> None:
    text, size = sent(bot, payload(*(chinese(n, points) for n in range(100))))
    assert size <= bot.MOST_BYTES
    assert size > bot.MOST_BYTES / 2  # what there is room for is told
    shown = text.count("未收到心跳" * (points // 5))
    assert 1 <= shown < 100
    assert text.count("已停止") == shown  # none is told in part
    assert left_out(100 - shown) in text


@pytest.mark.parametrize("bot", BOTS, ids=kind)
def test_a_few_alerts_are_told_in_full(bot: ModuleType) -> None:
    text, _ = sent(bot, payload(*(chinese(n) for n in range(3))))
    assert text.count("未收到心跳" * 12) == 3
    assert "not shown" not in text


@pytest.mark.parametrize("bot", BOTS, ids=kind)
def test_what_alertmanager_left_out_is_counted_too(bot: ModuleType) -> None:
    text, _ = sent(bot, payload(chinese(1), chinese(2), truncatedAlerts=40))
    assert left_out(40) in text


@pytest.mark.parametrize("bot", BOTS, ids=kind)
@pytest.mark.parametrize("character", ["长", "𠜎", "*", "<", '"', "_"])
def test_one_alert_of_nothing_but_long_texts_still_fits(bot: ModuleType, character: str) -> None:
    raw = alert(**{f"label_{n}": character * 2000 for n in range(12)}, severity=character * 99)
    raw["labels"]["alertname"] = raw["labels"]["environment"] = character * 2000
    raw["annotations"] = dict.fromkeys(("summary", "description", "runbook"), character * 9000)
    others = {"environment": character * 2000}
    text, size = sent(bot, payload(raw, raw, commonLabels=others, truncatedAlerts=10**9))
    assert size <= bot.MOST_BYTES
    assert "…" in text


@pytest.mark.parametrize("bot", BOTS, ids=kind)
@settings(deadline=None)  # correct, however slow the machine
@given(texts=st.lists(st.text(max_size=1500), min_size=1, max_size=30))
def test_no_text_makes_a_message_too_long(bot: ModuleType, texts: list[str]) -> None:
    alerts = []
    for text in texts:
        raw = alert(app=text[:40])
        raw["annotations"]["description"] = text
        alerts.append(raw)
    assert sent(bot, payload(*alerts))[1] <= bot.MOST_BYTES


def test_the_sentence_of_the_rest_has_the_room_that_is_kept_for_it() -> None:
    assert len(left_out(10**12).encode()) < LEFT_OUT_BYTES
    assert left_out(1) == "1 more alert is not shown here; the portal has all of them."
    assert left_out(0) == ""


def test_a_mail_of_thousands_of_alerts_stays_readable() -> None:
    receiver = Receiver("m", "email", server="x:25", sender="a@b.c", to=("d@e.f",))
    raw = payload(*(chinese(n, 500) for n in range(2000)))
    mail = email.mail(receiver, message(raw, STARTED, PORTAL), STARTED)
    part = mail.get_body(("plain",))
    assert part is not None
    text = part.get_content()
    assert len(text.encode()) < email.MOST_BYTES + 1000
    assert "more alerts are not shown here" in text
