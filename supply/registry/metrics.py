"""What the gate counts."""

from prometheus_client import CollectorRegistry, Counter


class Metrics:
    """Counters of a gate, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.tokens = Counter(
            "horcrux_registry_tokens",
            "Tokens that were asked for, by result: given, refused.",
            ["result"],
            registry=self.registry,
        )
        self.refused = Counter(
            "horcrux_registry_refused",
            "Pushes that were refused, by reason: immutable, busy.",
            ["reason"],
            registry=self.registry,
        )
        self.collected = Counter(
            "horcrux_registry_collected_bytes",
            "Bytes that were freed by collections.",
            registry=self.registry,
        )
