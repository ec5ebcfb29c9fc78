"""Every rule of the pack, one noun per file. To add one: write it, test it, list it here."""

from policies.rule import AnyRule
from policies.rules.capabilities import NO_PRIVILEGES
from policies.rules.data import DATA_ON_ONE_HOST, PROTECTED_DATA
from policies.rules.health import ROUTE_HEALTH_CHECK
from policies.rules.images import IMAGE_DIGEST
from policies.rules.labels import ENVIRONMENT_LABEL
from policies.rules.managers import ODD_MANAGERS
from policies.rules.memory import MEMORY_LIMIT
from policies.rules.network import NO_HOST_NETWORK
from policies.rules.ports import EDGE_ALONE_PUBLISHES, PRIVATE_CLUSTER_PORTS
from policies.rules.secrets import NO_PLAIN_SECRETS
from policies.rules.socket import NO_DOCKER_SOCKET

SETTINGS_ID = "policy-settings"  # the rule on the setting `policies`; see `policies.pack`

RULES: tuple[AnyRule, ...] = (
    IMAGE_DIGEST,
    MEMORY_LIMIT,
    NO_PRIVILEGES,
    NO_DOCKER_SOCKET,
    NO_HOST_NETWORK,
    PRIVATE_CLUSTER_PORTS,
    EDGE_ALONE_PUBLISHES,
    ROUTE_HEALTH_CHECK,
    NO_PLAIN_SECRETS,
    ODD_MANAGERS,
    PROTECTED_DATA,
    DATA_ON_ONE_HOST,
    ENVIRONMENT_LABEL,
)
