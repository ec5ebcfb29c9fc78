"""Monitoring: what runs in an environment to measure it, and the mixin of rules and dashboards."""
