"""Which environment variables hold a secret, judged by their names."""

import re
from itertools import pairwise

# Found anywhere in a name, for people write PGPASSWORD and DBPASSWD in one word.
PARTS = ("PASSWORD", "PASSWD", "PASSPHRASE", "APIKEY", "PRIVATEKEY", "CREDENTIAL")
# Found as whole words, for there are secretaries and tokenizers.
WORDS = ("SECRET", "SECRETS", "TOKEN")
# Words that mean a secret only at the end of a name: DB_PASS, but not PASS_THROUGH.
ENDINGS = ("PASS", "PWD")
# A KEY of one of these is a secret; PUBLIC_KEY, SORT_KEY and CACHE_KEY are none.
KEYS = ("ACCESS", "API", "APP", "ENCRYPTION", "MASTER", "PRIVATE", "SECRET", "SESSION", "SIGNING")
# A name that ends so tells something about a secret, or where it is, rather than the secret.
ABOUT = (
    *("ALGORITHM", "AUDIENCE", "COUNT", "DIR", "DIRECTORY", "ENABLED", "ENDPOINT", "EXPIRES"),
    *("EXPIRY", "FILE", "FOLDER", "HEADER", "HOST", "ID", "ISSUER", "LENGTH", "LIFETIME", "LIMIT"),
    *("MAX", "MIN", "NAME", "PATH", "POLICY", "PORT", "PREFIX", "PROVIDER", "REQUIRED", "SECONDS"),
    *("SIZE", "TIMEOUT", "TTL", "TYPE", "URI", "URL", "USER", "USERNAME"),
)
# Values that answer a question (ALLOW_EMPTY_PASSWORD=yes), and the places of secrets' files.
HARMLESS = re.compile(r"(true|false|yes|no|on|off|none|null|0|1|/run/secrets/\S*)?", re.IGNORECASE)
HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def names_secret(name: str, value: str) -> bool:
    """Whether a variable of this name with this value is a secret. An empty one never is."""
    return secretive(name) and HARMLESS.fullmatch(value.strip()) is None


def secretive(name: str) -> bool:
    """Whether a name says that what it names is a secret: DB_PASSWORD, dbPassword, db-password."""
    words = [word for word in re.split(r"[^A-Z0-9]+", HUMP.sub("_", name).upper()) if word]
    if not words or words[-1] in ABOUT:
        return False
    if any(part in word for part in PARTS for word in words) or set(words) & set(WORDS):
        return True
    if words[-1] in ENDINGS and len(words) > 1:
        return words != ["OLD", "PWD"]
    return any(pair[1] == "KEY" and pair[0] in KEYS for pair in pairwise(words))
