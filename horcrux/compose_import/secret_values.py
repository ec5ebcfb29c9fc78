"""Which environment variables look like secrets. In doubt they do: one in the open is worse."""

import re

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
ALWAYS = ("PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "SECRETS", "TOKEN", "TOKENS", "CREDENTIALS")
AT_THE_END = ("KEY", "KEYS", "APIKEY", "PASS", "PWD", "PW", "SALT", "SALTS")
ENCODINGS = {"BASE", "B", "HEX", "PEM", "VALUE"}  # SECRET_KEY_BASE, ENCRYPTION_KEY_BASE64
HARMLESS_ENDS = {
    "ALGORITHM", "DAYS", "DIR", "ENABLED", "EXPIRATION", "EXPIRE", "EXPIRES", "EXPIRY", "FIELD",
    "FILE", "FORMAT", "HEADER", "HOURS", "LENGTH", "LIFETIME", "MAX", "MIN", "MINUTES", "NAME",
    "PATH", "POLICY", "PREFIX", "ROUNDS", "SECONDS", "TIMEOUT", "TTL", "TYPE",
}  # fmt: skip
SWITCHES = {"true", "false", "yes", "no", "on", "off", "0", "1"}
CREDENTIALS_IN_URL = re.compile(r"://[^/\s:@]*:[^/\s@]+@")
PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
OPTION = re.compile(r"--?[\w-]*(?:pass|passwd|password|secret|token)(?:[ =]|$)", re.IGNORECASE)


def is_secret(name: str, value: str) -> bool:
    """Whether the variable's name or its value says that it must not be seen."""
    if CREDENTIALS_IN_URL.search(value) or PRIVATE_KEY.search(value):
        return True
    return value.lower() not in SWITCHES and is_secret_name(name)


def is_secret_name(name: str) -> bool:
    """Whether a variable of this name usually holds a secret."""
    found = [word.upper() for word in WORD.findall(name)]
    while found and (found[-1] in ENCODINGS or found[-1].isdigit()):
        found.pop()
    if not found or found[-1] in HARMLESS_ENDS or "PUBLIC" in found:
        return False
    return found[-1] in AT_THE_END or any(word.endswith(ALWAYS) for word in found)


def holds_password(command: list[str]) -> bool:
    """Whether a command line seems to hold a password itself, rather than where to find it."""
    line = " ".join(command)
    return any(
        not line[found.end() :].lstrip(" \"'=").startswith(("$", "/"))
        for found in OPTION.finditer(line)
    )
