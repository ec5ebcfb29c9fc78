"""What the bots of DingTalk, WeCom and Feishu are sent, against what the services document."""

import json
from typing import Any

import pytest

from control.notify import dingtalk, feishu, wecom
from control.notify.failure import DeliveryError
from control.notify.markdown import softened
from control.notify.message import message
from control.notify.post import Answer
from control.notify.receivers import Receiver
from tests.support.receivers import STARTED, alert, payload

PORTAL = "https://portal.dev.example.org/"
NOW = STARTED + 300
SECRET = "SECthis is a test secret"
DOWN = message(payload(alert()), NOW, PORTAL)
OVER = message(payload(alert(ended="2026-01-02T03:09:05Z")), NOW, PORTAL)


def body(bot: Any, told: Any = DOWN) -> Any:
    receiver = Receiver("x", "any", url="https://x/?key=k")
    return json.loads(bot.request(receiver, told, NOW).body)


def test_dingtalk_gets_markdown_with_a_title() -> None:
    assert body(dingtalk) == {
        "msgtype": "markdown",
        "markdown": {
            "title": "FIRING critical HostDown: host manager-3 of dev is down",
            "text": "### FIRING critical HostDown: host manager-3 of dev is down\n\n"
            "**FIRING critical HostDown**\n\n"
            "No heartbeat for 30 s. Look whether its machine runs.\n\n"
            "since 2026-01-02 03:04:05 UTC (5 min)\n\n"
            "host: manager-3\n\n"
            "Runbook: docs/alerts.md#hostdown\n\n"
            "[Portal](https://portal.dev.example.org/)\n\n"
            "Horcrux, environment dev",
        },
    }


def test_dingtalks_signature_is_what_openssl_computes() -> None:
    # printf '1577836800003\nSECRET' | openssl dgst -sha256 -hmac 'SECRET' -binary | base64
    sign = "%2FSEY1TySLNf8g9vHR5i%2FivB%2Fe4XOPjdKeZWOahfPM%2BI%3D"
    url = "https://oapi.dingtalk.com/robot/send?access_token=abc"
    assert dingtalk.signed(url, SECRET, 1577836800003) == (
        f"{url}&timestamp=1577836800003&sign={sign}"
    )
    assert dingtalk.signed(url, "", 1577836800003) == url
    receiver = Receiver("x", "dingtalk", url=url, sign=SECRET)
    request = dingtalk.request(receiver, DOWN, 1577836800.003)
    assert request.url.endswith(sign)
    assert "abc" not in repr(request)


def test_wecom_gets_markdown_of_its_own_dialect() -> None:
    assert body(wecom) == {
        "msgtype": "markdown",
        "markdown": {
            "content": '### <font color="warning">FIRING critical HostDown: host manager-3 of dev '
            "is down</font>\n"
            "**FIRING critical HostDown**\n"
            "> No heartbeat for 30 s. Look whether its machine runs.\n"
            "> since 2026-01-02 03:04:05 UTC (5 min)\n"
            "> host: manager-3\n"
            "> Runbook: docs/alerts.md#hostdown\n"
            "[Portal](https://portal.dev.example.org/)\n"
            '<font color="comment">Horcrux, environment dev</font>'
        },
    }
    content = body(wecom, OVER)["markdown"]["content"]
    assert content.startswith('### <font color="info">RESOLVED critical HostDown')


def test_feishu_gets_a_card() -> None:
    assert body(feishu) == {
        "msg_type": "interactive",
        "card": {
            "config": {"wide_screen_mode": True},
            "header": {
                "title": {
                    "tag": "plain_text",
                    "content": "FIRING critical HostDown: host manager-3 of dev is down",
                },
                "template": "red",
            },
            "elements": [
                {
                    "tag": "markdown",
                    "content": "**FIRING critical HostDown**\n"
                    "No heartbeat for 30 s. Look whether its machine runs.\n"
                    "since 2026&#45;01&#45;02 03&#58;04&#58;05 UTC &#40;5 min&#41;\n"
                    "host: manager&#45;3\n"
                    "Runbook: docs/alerts.md&#35;hostdown\n\n"
                    "Horcrux, environment dev",
                },
                {
                    "tag": "action",
                    "actions": [
                        {
                            "tag": "button",
                            "text": {"tag": "plain_text", "content": "Portal"},
                            "type": "default",
                            "url": PORTAL,
                        }
                    ],
                },
            ],
        },
    }
    assert body(feishu, OVER)["card"]["header"]["template"] == "green"


def test_feishus_signature_is_what_openssl_computes() -> None:
    # printf '' | openssl dgst -sha256 -mac HMAC -macopt hexkey:(of '1577836800\nSECRET') -binary | base64
    expected = {
        "timestamp": "1577836800",
        "sign": "UXvEAo34/GBwL+ZA59aDvbbaFYW0F+mVgtCXg5tr1AM=",
    }
    assert feishu.signed("feishu test secret", 1577836800) == expected
    receiver = Receiver("x", "feishu", url="https://x/", sign="feishu test secret")
    sent = json.loads(feishu.request(receiver, DOWN, 1577836800.9).body)
    assert {key: sent[key] for key in expected} == expected


@pytest.mark.parametrize("bot", [dingtalk, wecom, feishu])
def test_a_runbook_with_an_address_is_a_link(bot: Any) -> None:
    raw = alert()
    raw["annotations"]["runbook"] = "https://docs.example.org/alerts#hostdown"
    sent = json.dumps(body(bot, message(payload(raw), NOW, PORTAL)))
    assert "[Runbook](https://docs.example.org/alerts#hostdown)" in sent


@pytest.mark.parametrize("bot", [dingtalk, wecom, feishu])
def test_without_a_portal_there_is_no_link(bot: Any) -> None:
    assert "Portal" not in json.dumps(body(bot, message(payload(alert()), NOW, "")))


@pytest.mark.parametrize("bot", [dingtalk, wecom, feishu])
def test_an_alerts_text_cannot_call_people_nor_make_links(bot: Any) -> None:
    raw = alert()
    evil = "<at id=all></at> <@all> [click](https://evil.example) ![x](https://evil.example) **b**"
    raw["annotations"] = {"summary": evil, "description": evil}
    raw["labels"]["host"] = evil
    sent = body(bot, message(payload(raw, alert()), NOW, PORTAL))
    text = (
        sent["card"]["elements"][0]["content"] if bot is feishu else str(sent["markdown"].values())
    )
    for markup in ("<at", "<@", "](https://evil", "**b**"):
        assert markup not in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rate(x[5m]) > 0.5 and 3 < 7", "rate(x[5m]) > 0.5 and 3 < 7"),
        ("volume_data of hello-a5e66673", "volume_data of hello-a5e66673"),
        ("_so_ *so* `so` ~~so~~", "＿so＿ ＊so＊ ｀so｀ ～～so～～"),  # noqa: RUF001 - look-alikes
        ("<font color=red>", "＜font color=red>"),  # noqa: RUF001 - a look-alike
        ("[a](http://b)", "[a] (http://b)"),
        ("# no heading", "\u200b# no heading"),
        ("1. no list", "\u200b1. no list"),
        ("主机_已停止", "主机_已停止"),
    ],
)
def test_text_for_dingtalk_and_wecom_loses_its_markup_and_nothing_else(
    text: str, shown: str
) -> None:
    assert softened(text) == shown


def test_text_for_feishu_has_the_entities_that_feishu_documents() -> None:
    assert feishu.escaped("a&#42;*<at>") == "a&#38;&#35;42;&#42;&#60;at&#62;"


SAID = [
    (dingtalk, {"errcode": 0, "errmsg": "ok"}, None),
    (wecom, {"errcode": 0, "errmsg": "ok"}, None),
    (feishu, {"code": 0, "msg": "success", "data": {}, "StatusCode": 0}, None),
    (
        dingtalk,
        {"errcode": 310000, "errmsg": "sign not match"},
        "HTTP 200: errcode 310000: sign not match",
    ),
    (
        wecom,
        {"errcode": 40058, "errmsg": "content exceed\nmax length 4096"},
        "HTTP 200: errcode 40058: content exceed max length 4096",
    ),
    (feishu, {"code": 19024, "msg": "Key Words Not Found"}, "code 19024: Key Words Not Found"),
    (feishu, {"code": 11232}, "HTTP 200: code 11232"),
    (wecom, {"errcode": False}, "HTTP 200: errcode False"),
    (dingtalk, {"errcode": "0"}, "HTTP 200: errcode 0"),
    (dingtalk, {"code": 0}, "HTTP 200, but no errcode in the answer"),
    (feishu, [1], "HTTP 200, but no code in the answer"),
]


@pytest.mark.parametrize(("bot", "said", "failure"), SAID)
def test_a_bots_answer_says_whether_the_message_was_taken(
    bot: Any, said: object, failure: str | None
) -> None:
    answer = Answer(200, "", json.dumps(said).encode())
    if failure is None:
        assert bot.delivered(answer) == "HTTP 200"
        return
    with pytest.raises(DeliveryError) as raised:
        bot.delivered(answer)
    assert failure in str(raised.value)


def test_a_bots_refusal_is_told_with_the_status_it_came_with() -> None:
    answer = Answer(400, "", b'{"code": 9499, "msg": "Bad Request", "data": {}}')
    with pytest.raises(DeliveryError, match="HTTP 400: code 9499: Bad Request"):
        feishu.delivered(answer)
    with pytest.raises(DeliveryError, match=r"HTTP 502$"):
        feishu.delivered(Answer(502, "", b"<html>"))


def test_a_long_refusal_is_cut() -> None:
    refusal = json.dumps({"errcode": 1, "errmsg": "错" * 5000}).encode()
    with pytest.raises(DeliveryError) as raised:
        dingtalk.delivered(Answer(200, "", refusal))
    assert len(str(raised.value)) < 350
