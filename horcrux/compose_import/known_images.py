"""Well-known images: which are databases, what they tell others, which read secrets from files."""

from typing import NamedTuple


class Account(NamedTuple):
    """An account of a database: the variable with its password, and who it is."""

    password: str
    user_variable: str | None = None
    user: str | None = None


class Known(NamedTuple):
    """What is known of an image. Without a scheme it is not a database."""

    port: int = 0
    scheme: str = ""
    accounts: tuple[Account, ...] = ()
    database: tuple[str, ...] = ()  # variables with the database's name, the first that is set
    data: str = ""  # where it keeps what must not be lost
    files: tuple[str, ...] = ()  # variables that may be given as NAME_FILE


POSTGRES = Known(
    5432,
    "postgresql",
    (Account("POSTGRES_PASSWORD", "POSTGRES_USER", "postgres"),),
    ("POSTGRES_DB", "POSTGRES_USER"),
    "/var/lib/postgresql/data",
    ("POSTGRES_PASSWORD",),
)
MYSQL = Known(
    3306,
    "mysql",
    (Account("MYSQL_PASSWORD", "MYSQL_USER"), Account("MYSQL_ROOT_PASSWORD", user="root")),
    ("MYSQL_DATABASE",),
    "/var/lib/mysql",
    ("MYSQL_PASSWORD", "MYSQL_ROOT_PASSWORD"),
)
MARIADB = Known(
    3306,
    "mysql",
    (
        Account("MARIADB_PASSWORD", "MARIADB_USER"),
        Account("MYSQL_PASSWORD", "MYSQL_USER"),
        Account("MARIADB_ROOT_PASSWORD", user="root"),
        Account("MYSQL_ROOT_PASSWORD", user="root"),
    ),
    ("MARIADB_DATABASE", "MYSQL_DATABASE"),
    "/var/lib/mysql",
    ("MARIADB_PASSWORD", "MARIADB_ROOT_PASSWORD", "MYSQL_PASSWORD", "MYSQL_ROOT_PASSWORD"),
)
MONGO = Known(
    27017,
    "mongodb",
    (Account("MONGO_INITDB_ROOT_PASSWORD", "MONGO_INITDB_ROOT_USERNAME"),),
    ("MONGO_INITDB_DATABASE",),
    "/data/db",
    ("MONGO_INITDB_ROOT_PASSWORD",),
)
REDIS = Known(6379, "redis", data="/data")
WORDPRESS_KEYS = tuple(
    f"WORDPRESS_{use}_{kind}"
    for use in ("AUTH", "SECURE_AUTH", "LOGGED_IN", "NONCE")
    for kind in ("KEY", "SALT")
)
KNOWN = {
    "postgres": POSTGRES,
    "postgis": POSTGRES,
    "pgvector": POSTGRES,
    "timescaledb": POSTGRES,
    "mysql": MYSQL,
    "percona": MYSQL,
    "mariadb": MARIADB,
    "mongo": MONGO,
    "redis": REDIS,
    "valkey": REDIS,
    "memcached": Known(11211, "memcached"),
    "rabbitmq": Known(5672, "amqp", data="/var/lib/rabbitmq"),
    "nats": Known(4222, "nats"),
    "elasticsearch": Known(9200, "http", data="/usr/share/elasticsearch/data"),
    "opensearch": Known(9200, "http", data="/usr/share/opensearch/data"),
    "wordpress": Known(files=("WORDPRESS_DB_PASSWORD", *WORDPRESS_KEYS)),
    "nextcloud": Known(
        files=(
            "MYSQL_PASSWORD",
            "NEXTCLOUD_ADMIN_PASSWORD",
            "POSTGRES_PASSWORD",
            "REDIS_HOST_PASSWORD",
        )
    ),
}


def known_image(name: str) -> Known:
    """What is known of an image by its name alone."""
    return KNOWN.get(name, Known())
