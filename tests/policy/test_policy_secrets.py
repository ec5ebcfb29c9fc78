"""The rule no-plain-secrets, and the two detectors on values and names that people write."""

from typing import Any

import pytest
from policy_cases import CONTAINER, DIGEST, SERVICE, host, judge, platform, service

from policies.rules.secrets import NO_PLAIN_SECRETS
from policies.secret_names import names_secret
from policies.secret_values import secret_in

KEY = "-----BEGIN {}PRIVATE KEY-----\nMIIEvQIBADANBgkq\n-----END {}PRIVATE KEY-----"
PEM = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----"
JUMBLE = "MIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJRTE"


@pytest.mark.parametrize(
    "name",
    [
        *("PASSWORD", "DB_PASSWORD", "PGPASSWORD", "dbPassword", "db-password", "MYSQL_PWD"),
        *("SMTP_PASS", "APP_SECRET", "SECRET_KEY_BASE", "GITHUB_TOKEN", "API_KEY", "STRIPE_APIKEY"),
        *("TLS_PRIVATE_KEY", "AWS_SECRET_ACCESS_KEY", "CREDENTIALS", "REDIS_PASSPHRASE"),
    ],
)
def test_these_names_mean_a_secret_but_for_empty_values(name: str) -> None:
    assert names_secret(name, "hunter2")
    assert not names_secret(name, "")
    assert not names_secret(f"{name}_FILE", "/etc/elsewhere")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("PUBLIC_KEY", "abc"), ("CACHE_KEY", "page"), ("TOKENIZER", "bert"), ("PWD", "/app")),
        *(("SECRETARY_EMAIL", "a@b.org"), ("TOKEN_TTL", "3600"), ("SECRET_NAME", "db")),
        *(("PASSWORD_MIN_LENGTH", "8"), ("MYSQL_ALLOW_EMPTY_PASSWORD", "yes"), ("OLDPWD", "/")),
        *(("COMPASS", "north"), ("MAX_TOKENS", "4096"), ("TOKEN_URL", "https://id.example.org")),
        *(("DB_PASSWORD", "/run/secrets/db"), ("KEYBOARD", "de"), ("DB_USER", "web")),
    ],
)
def test_these_variables_hold_no_secret(name: str, value: str) -> None:
    assert not names_secret(name, value)
    assert judge(NO_PLAIN_SECRETS, SERVICE, service(env={name: value})) == []


@pytest.mark.parametrize(
    "value",
    [
        KEY.format("", ""),
        KEY.format("RSA ", "RSA "),
        KEY.format("OPENSSH ", "OPENSSH ").replace("\n", "\\n"),
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_" + "a1B2c3D4e5F6" * 3,
        "glpat-abcdefghij0123456789",
        "xoxb-1234567890-abcdefghij",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.sig",
        "postgres://web:hunter2@db:5432/web",
        "redis://:hunter2@cache:6379/0",
        "see postgres://web:hunter2@db and more",
        "Server=db;User=web;Password=hunter2;",
        "host=db user=web password=hunter2",
        "https://example.org/hook?api_key=hunter2",
        '{"key": "Zm9v9qL2xN8vT4kR7wB1yC6dF3gH5jM0pS"}',
    ],
)
def test_these_values_are_secrets_whatever_their_names(value: str) -> None:
    (message,) = judge(NO_PLAIN_SECRETS, SERVICE, service(env={"SETTING": value}))
    assert "`apps.web.env.SETTING`" in message
    assert "`horcrux secrets set web NAME`" in message
    assert value not in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    "value",
    [
        "",
        "postgresql://web@db:5432/web",
        "https://user@example.org/a/path?page=2&sort=name#top",
        "http://example.org:8080/mail/someone@example.org",
        "postgres://web:${DB_PASSWORD}@db:5432/web",
        "password=$DB_PASSWORD",
        f"registry.dev.internal:5000/web@{DIGEST}",
        DIGEST,
        "sha384-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8K/uxy9rx7HNQlGYl1kPzQho1wx4JwY8wC",
        "123e4567-e89b-12d3-a456-426614174000",
        "12345678901234567890123456789012345678901234567890",
        PEM.format(JUMBLE),
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJl3dIeudNqd0DPMRD6OIh65tjkxFNOtTIZzr me@here",
        "/usr/lib/x86_64-linux-gnu/gstreamer-1.0/libgstvideoconvertscale.so",
        "org.springframework.boot.autoconfigure.jdbc.DataSourceAutoConfiguration",
        "AbstractSingletonProxyFactoryBeanConfigurationManager",
        "changeme-changeme-changeme-changeme-changeme",
        "0000000000000000000000000000000000000000",
        "z9Z8z9Z8z9Z8z9Z8z9Z8z9Z8z9Z8z9Z8z9Z8",
        "TG9yZW0gaXBzdW0gZG9sb3Igc2l0IGFtZXQsIGNvbnNlY3RldHVy",  # base64 of ordinary text
        "{{.Node.Hostname}}",
        "*/5 0-23 1,15 * MON-FRI",
    ],
)
def test_these_values_are_no_secrets(value: str) -> None:
    assert secret_in(value) is None


def test_base64_of_a_private_key_is_still_a_private_key() -> None:
    assert secret_in("LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCk1JSUV2UUlC") == "a private key"


def test_sixteen_random_bytes_are_found_by_their_padding() -> None:
    assert secret_in("q83vEjRWeJCrze8SNFZ4kA==")
    assert secret_in("q83vEjRWeJCrze8SNFZ4kA") is None, "too short to judge by its looks"


def test_a_certificate_does_not_hide_the_key_after_it() -> None:
    assert secret_in(PEM.format(JUMBLE) + "\n" + KEY.format("", "")) == "a private key"


def test_the_digits_of_a_commit_are_no_secret_where_the_name_says_so() -> None:
    commit = "9fceb02d0ae598e95dc970b74767f19372d61af8"
    assert secret_in(commit, "GIT_COMMIT") is None
    assert secret_in(commit, "SETTING")


def test_a_secret_in_a_container_is_refused() -> None:
    props = host(envs=["HORCRUX_ROLE=manager", "DB_PASSWORD=hunter2"])
    (message,) = judge(NO_PLAIN_SECRETS, CONTAINER, props)
    assert "DB_PASSWORD" in message
    assert "hunter2" not in message


@pytest.mark.parametrize("props", [service(), platform("edge")])
def test_a_service_without_secrets_in_its_environment_passes(props: dict[str, Any]) -> None:
    assert judge(NO_PLAIN_SECRETS, SERVICE, props) == []
