"""How the command asks the cache and the registry: whom it trusts, to whom it shows an account."""

import base64

import pytest

from horcrux.exits import HorcruxError
from horcrux.images.client import Client
from horcrux.images.failures import UnansweredError
from providers.x509 import self_signed
from tests.support.answering import ACCOUNT, Answering, Question, Reply, needs_token

BASIC = (
    "Basic " + base64.b64encode(f"{ACCOUNT['username']}:{ACCOUNT['password']}".encode()).decode()
)


def test_the_account_is_shown_and_the_environment_s_ca_is_trusted() -> None:
    with Answering({("GET", "/it"): Reply(content={"well": True})}) as server:
        with Client("the registry", server.place) as client:
            assert client.json("GET", "/it", 5) == {"well": True}
        assert server.asked[0].headers["Authorization"] == BASIC


def test_no_other_ca_is_trusted() -> None:
    with Answering() as server:
        client = Client("the registry", {**server.place, "ca": self_signed("others", 1)[0]})
        with pytest.raises(UnansweredError, match="did not sign"):
            client.ask("GET", "/", 5)
        assert server.paths() == []


def test_variables_of_the_machine_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    with Answering({("GET", "/it"): Reply(content={})}) as server:
        assert Client("the registry", server.place).json("GET", "/it", 5) == {}


def test_a_token_is_got_from_the_registry_itself_wherever_the_challenge_points() -> None:
    answers = {
        ("GET", "/v2/x"): needs_token(Reply(content={"there": 1})),
        ("GET", "/token"): Reply(content={"token": "a-token"}),
    }
    with Answering(answers) as server:
        assert Client("the registry", server.place).json("GET", "/v2/x", 5) == {"there": 1}
        assert server.paths() == ["GET /v2/x", "GET /token", "GET /v2/x"]
        assert server.asked[1].query == {"service": "horcrux", "scope": "repository:web:pull"}
        assert server.asked[1].headers["Authorization"] == BASIC


def test_a_redirection_is_not_followed() -> None:
    with Answering({("GET", "/it"): Reply(307, {}, {"Location": "/other"})}) as server:
        assert Client("the registry", server.place).ask("GET", "/it", 5).status_code == 307
        assert server.paths() == ["GET /it"]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(401, {}), "refuses the account 'pull'.*horcrux up"),
        (
            Reply(
                409, {"errors": [{"code": "DENIED", "message": "it is immutable", "detail": "r7"}]}
            ),
            r"it is immutable \(r7\)",
        ),
        (Reply(503, {}, {"Retry-After": "60"}), "503 Service Unavailable; try again in 60 s"),
        (Reply(500, ["not", "as", "agreed"]), "500 Internal Server Error"),
        (Reply(200), "is no JSON"),
    ],
)
def test_a_bad_answer_is_told_with_its_reason(reply: Reply, said: str) -> None:
    with Answering({("POST", "/it"): reply}) as server, pytest.raises(HorcruxError, match=said):
        Client("the registry", server.place).json("POST", "/it", 5, {"keep": 1})


def test_what_is_posted_is_json() -> None:
    seen: list[Question] = []

    def answer(question: Question) -> Reply:
        seen.append(question)
        return Reply(content={})

    with Answering({("POST", "/it"): answer}) as server:
        Client("the registry", server.place).json("POST", "/it", 5, {"keep": 1})
    assert seen[0].body == {"keep": 1}


def test_who_does_not_answer_is_told_with_the_address_and_the_core_of_the_reason() -> None:
    with Answering() as server:
        place = server.place
    with pytest.raises(UnansweredError) as error:
        Client("the image cache", place).ask("GET", "/", 5)
    assert str(error.value) == (
        f"the image cache does not answer at {place['url']} (Connection refused); see: horcrux status"
    )
