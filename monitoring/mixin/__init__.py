"""The mixin: recording rules, alerts, their tests, and dashboards, for any Prometheus and Grafana.

`rules/` and `tests/` are Prometheus' and promtool's own formats; `dashboards/` is generated here.
"""
