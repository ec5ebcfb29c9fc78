"""The detector of secret values on thousands of values: what is found, and what is left alone."""

import string
from base64 import b64encode, urlsafe_b64encode
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_cases import SERVICE, judge, service

from policies.rules.secrets import NO_PLAIN_SECRETS
from policies.secret_values import secret_in

# Seeds, not bytes: Hypothesis prefers bytes like 32 zeros, which no random generator gives.
KEYS = st.integers(0, 2**64).map(lambda seed: Random(seed).randbytes(32))
ENCODED = st.one_of(
    KEYS.map(lambda key: b64encode(key).decode()),
    KEYS.map(lambda key: urlsafe_b64encode(key).decode()),
    KEYS.map(lambda key: key.hex()),
    KEYS.map(lambda key: key.hex().upper()),
)
WORD = st.sampled_from(
    [
        *("usr", "lib", "share", "local", "data", "postgres", "web", "Web"),
        *("server", "config", "Main", "assets", "images", "static", "backup", "logs"),
        *("cache", "worker", "Application", "users", "index", "example", "production", "eu-west"),
        *("x86_64", "v2", "HTTP"),
    ]
)
NUMBER = st.integers(0, 10**6).map(str)
SEGMENT = st.one_of(WORD, NUMBER, st.tuples(WORD, NUMBER).map("-".join))
HOST = st.lists(SEGMENT, min_size=1, max_size=6).map(".".join)
PATH = st.lists(SEGMENT, min_size=1, max_size=12).map(lambda parts: "/" + "/".join(parts))
ORDINARY = st.one_of(
    st.lists(WORD, min_size=1, max_size=20).map(" ".join),
    st.lists(WORD, min_size=1, max_size=8).map("_".join),
    PATH,
    HOST,
    st.tuples(HOST, PATH).map(lambda parts: f"https://{parts[0]}:8443{parts[1]}?page=2"),
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(str),
    st.lists(NUMBER, min_size=2, max_size=4).map(lambda parts: "v" + ".".join(parts) + "-rc1"),
    st.uuids().map(str),
    st.ip_addresses().map(str),
    st.datetimes().map(lambda when: when.isoformat()),
    KEYS.map(lambda key: f"registry.example.org:5000/team/web@sha256:{key.hex()}"),
    KEYS.map(lambda key: f"sha256-{b64encode(key).decode()}"),
)
SURROUNDED = st.sampled_from(["{}", "key {}", '"{}"', "{{a: {}}}", "https://example.org/x?k={}"])


@settings(deadline=None)  # its first call on a busy machine
@given(ENCODED, SURROUNDED)
def test_a_random_key_is_found_wherever_it_stands(secret: str, around: str) -> None:
    assert secret_in(around.format(secret))


@settings(deadline=None)  # its first call on a busy machine
@given(ENCODED)
def test_no_message_shows_any_part_of_a_secret(secret: str) -> None:
    (message,) = judge(NO_PLAIN_SECRETS, SERVICE, service(env={"SETTING": secret}))
    assert not any(secret[i : i + 6] in message for i in range(len(secret) - 5))


@settings(deadline=None)  # its first call on a busy machine
@given(ORDINARY)
def test_ordinary_values_are_left_alone(value: str) -> None:
    assert secret_in(value) is None


@settings(deadline=None)  # its first call on a busy machine
@given(st.text(string.ascii_lowercase + " .,-/", max_size=200))
def test_small_letters_and_punctuation_are_never_a_random_key(value: str) -> None:
    assert secret_in(value) is None


@pytest.mark.parametrize("length", [32, 43, 64])
def test_hardly_a_random_text_of_letters_and_digits_is_missed(length: int) -> None:
    random = Random(length)
    texts = [
        "".join(random.choices(string.ascii_letters + string.digits, k=length)) for _ in range(5000)
    ]
    missed = sum(secret_in(text) is None for text in texts)
    assert missed / len(texts) <= 1 / 600
