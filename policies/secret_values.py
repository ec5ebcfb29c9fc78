"""Which values are secrets, judged by what they look like.

Three ways, from the surest: marks that only secrets have (a private key's first line, the prefixes
of well-known tokens), passwords inside URLs and connection strings, and long texts that are
random. Nothing here returns any part of a value: only what kind of secret it looks like.
"""

import math
import re
from base64 import b64decode, b64encode
from collections import Counter

from policies.secret_names import names_secret

MARKS = {
    "a private key": r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY",
    "an AWS access key": r"\b(AKIA|ASIA)[0-9A-Z]{16}\b",
    "a GitHub token": r"\b(gh[opusr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22})",
    "a GitLab token": r"\bglpat-[A-Za-z0-9_-]{20}",
    "a Slack token": r"\bxox[abeoprs]-[A-Za-z0-9-]{10}",
    "a Stripe key": r"\b[rs]k_live_[A-Za-z0-9]{16}",
    "a Google API key": r"\bAIza[A-Za-z0-9_-]{35}",
    "an npm token": r"\bnpm_[A-Za-z0-9]{36}",
    "a PyPI token": r"\bpypi-[A-Za-z0-9_-]{32}",
    "a Vault token": r"\bhv[sb]\.[A-Za-z0-9_-]{20}",
    "an age key": r"\bAGE-SECRET-KEY-1[A-Z0-9]{20}",
    "a Swarm join token": r"\bSWMTKN-1-[a-z0-9]{20}",
    "a signed token (JWT)": r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.",
}
# The user may be empty (redis://:password@host). A password that is a reference is none.
URL_PASSWORD = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#@:]*:(?![$%]?[{(<$])[^\s/?#@]+@")
PAIR = re.compile(r"(?:^|[?&;,\s])([A-Za-z][A-Za-z0-9_.-]*)=(?![$%]?[{(<$])([^&;,\s]+)")
# Long and random-looking, and public all the same.
PUBLIC = re.compile(
    r"-----BEGIN (?P<kind>[A-Z0-9 ]+)-----.*?-----END (?P=kind)-----"  # private keys: see MARKS
    r"|\b(md5|sha1|sha224|sha256|sha384|sha512)[:-][A-Za-z0-9+/=_-]+"
    r"|\b(ssh-[a-z0-9-]+|ecdsa-[a-z0-9-]+)\s+AAAA[A-Za-z0-9+/=]+"
    r"|\b[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b",  # UUIDs name things
    re.DOTALL,
)
PUBLIC_NAME = re.compile(
    r"(^|_)(BUILD|CHECKSUM|COMMIT|DIGEST|ETAG|FINGERPRINT|HASH|MD5|REVISION|SHA|SHA1|SHA256)(_|$)",
    re.IGNORECASE,
)
HEX = re.compile(r"[0-9a-f]+|[0-9A-F]+")
TOKEN = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
# 32 hexadecimal digits are 128 bits, the least that anyone takes for a key. Shorter texts are not
# judged by their looks: too many names and identifiers would be taken for secrets.
SHORTEST = 32
# 16 random bytes in base64 are 22 characters and "==". Padding is proof enough to go that low.
SHORTEST_PADDED = 22
# Bits per character. Of 64 random hexadecimal digits all measure above 3.3, of 32 all but one in
# 10,000 above 3.0; random base64 lies above 4.2. Filler (0000…, changeme-changeme…, a1a1a1…) lies
# below. It cannot tell secrets from text: paths and sentences reach 4 bits and more. MIXING does.
ENTROPY = 3.0
# The share of neighbours inside a run of letters and digits where a capital follows a small
# letter, or a digit and a letter meet. Random base64 has 0.42; in names and paths words make it
# rare (camelCase: 0.12). Below 0.17 lies one in 2,000 random texts of 43 characters, and one in
# 600 of 32; above it lie 3 of 10,000 paths and identifiers of SHORTEST and more characters.
MIXING = 0.17
MIXED = re.compile(r"(?=[a-z][A-Z0-9]|[A-Z][0-9]|[0-9][A-Za-z])")


def secret_in(value: str, name: str = "") -> str | None:
    """What kind of secret `value`, the variable `name`'s, looks like; None if it is none."""
    for kind, mark in MARKS.items():
        if re.search(mark, value):
            return kind
    if URL_PASSWORD.search(value):
        return "a URL with a password in it"
    if any(names_secret(key, given) for key, given in PAIR.findall(value)):
        return "a password or token among its settings"
    for token in TOKEN.findall(PUBLIC.sub(" ", value)):
        text = _text_of(token)
        found = secret_in(text) if text else _random(token, name)
        if found:
            return found
    return None


def _random(token: str, name: str) -> str | None:
    """What a text of base64's letters is, if it looks made up by a random generator."""
    body = token.rstrip("=")
    if entropy(body) < ENTROPY:
        return None
    if len(body) >= SHORTEST and HEX.fullmatch(body):
        if body.isdigit() or PUBLIC_NAME.search(name):
            return None
        return "what looks like a key (random hexadecimal digits)"
    padded = len(body) >= SHORTEST_PADDED and body != token and _decoded(token) is not None
    if padded or (len(body) >= SHORTEST and mixing(body) >= MIXING):
        return "what looks like a key (random letters and digits)"
    return None


def entropy(text: str) -> float:
    """Shannon's entropy of the text's own characters, in bits per character."""
    counts = Counter(text).values()
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts)


def mixing(text: str) -> float:
    """The share of neighbours where small letters, capitals and digits meet as words do not."""
    return len(MIXED.findall(text)) / max(len(text) - 1, 1)


def _text_of(token: str) -> str | None:
    """The readable text that `token` is the base64 of, if it is that."""
    decoded = _decoded(token) if len(token) >= SHORTEST_PADDED else None
    text = decoded.decode("utf-8", "ignore") if decoded else ""
    if decoded and len(text.encode()) == len(decoded):
        return text if all(one.isprintable() or one in "\r\n\t" for one in text) else None
    return None


def _decoded(token: str) -> bytes | None:
    """The bytes that `token` is the exact base64 of (either alphabet, with or without padding)."""
    standard = token.rstrip("=").replace("-", "+").replace("_", "/")
    standard += "=" * (-len(standard) % 4)
    if token.endswith("=") and len(token) != len(standard):
        return None
    try:
        decoded = b64decode(standard, validate=True)
    except ValueError:
        return None
    return decoded if b64encode(decoded).decode() == standard else None
