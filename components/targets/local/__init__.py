"""The local target: hosts are containers on this machine's engine, each with an engine of its own."""

from components.targets.local.target import LocalTarget

__all__ = ["LocalTarget"]
