"""The dashboard of the image cache: what hosts pull through it, and what of it registries send."""

from monitoring.mixin.panels import Document, Variable, dashboard, many, one

HOST = Variable("host", "horcrux_cache_limit_bytes", "host", several=True)
UPSTREAM = Variable("upstream", "horcrux_cache_upstream_up", "upstream", several=True)
FULL = 1.0


def images() -> Document:
    """What hosts pull through the image cache, and what of it comes from other registries."""
    of, on = 'upstream=~"$upstream"', 'host=~"$host"'
    here = f"{of}, {on}"
    fetched = f'horcrux_cache_fetched_bytes_total{{source="upstream", {here}}}'
    panels = (
        one("Hits, in an hour", "percentunit", f"cache:hits:ratio1h{{{of}}}", "{{upstream}}", top=FULL,
            about="Of all caches: answered with what caches had already."),
        one("Requests by result", "reqps",
            f"sum by (result) (rate(horcrux_cache_requests_total{{{here}}}[5m]))", "{{result}}",
            stacked=True),
        one("Saved, in a day", "bytes", f"cache:saved_bytes:increase1d{{{of}}}", "{{upstream}}",
            about="Of all caches: given to hosts, less what came from the registry."),
        many("Given to hosts, and fetched for it", "Bps",
             (f"sum by (upstream) (rate(horcrux_cache_served_bytes_total{{{here}}}[5m]))",
              "{{upstream}}, given"),
             (f"sum by (upstream) (rate({fetched}[5m]))", "{{upstream}}, fetched"), width=12),
        one("Speed of registries", "Bps",
            f"sum by (upstream) (rate({fetched}[5m]))"
            f" / sum by (upstream) (rate(horcrux_cache_upstream_seconds_total{{{here}}}[5m]))",
            "{{upstream}}", width=12),
        one("Registry answers", "short", f"min by (upstream) (horcrux_cache_upstream_up{{{here}}})",
            "{{upstream}}", top=1, about="0: the last answer to one of the caches was none, or a wrong one."),
        one("Errors of registries", "reqps",
            f"sum by (upstream, reason) (rate(horcrux_cache_upstream_errors_total{{{here}}}[5m]))"
            f" or on (upstream) 0 * max by (upstream) (horcrux_cache_upstream_up{{{here}}})",
            "{{upstream}} {{reason}}"),
        one("Changed by the disk, in an hour", "short",
            f"sum by (host) (increase(horcrux_cache_corrupted_total{{{on}}}[1h]))", "{{host}}",
            marks=((1.0, "red"),)),
        many("Kept, and what may be", "bytes",
             (f"max by (host) (horcrux_cache_stored_bytes{{{on}}})", "{{host}}"),
             (f"max(horcrux_cache_limit_bytes{{{on}}})", "limit of one"), width=12),
        one("Removed to make room, in an hour, of the limit", "percentunit",
            f"sum by (host) (increase(horcrux_cache_evicted_bytes_total{{{on}}}[1h]))"
            f" / max by (host) (horcrux_cache_limit_bytes{{{on}}})", "{{host}}",
            marks=((0.5, "orange"),), width=12),
    )  # fmt: skip
    return dashboard("horcrux-images", "Horcrux / Images", [HOST, UPSTREAM], panels)
