"""Measurements of one host: its containers, its own share of the machine, and its engine.

Runs on every host, beside node-exporter; reads the engine's socket and the host's control groups, and
changes nothing.
"""
