"""`python -m bench.cache_process FOLDER`: the image cache as a host has it, but in a folder of its own."""

import asyncio
import sys
from pathlib import Path

from bench.loopback import workers
from supply.cache import __main__ as cache

TLS_PORT, PLAIN_PORT = 28583, 28580
NGINX = cache.NGINX


def configuration(folder: Path) -> str:
    """The cache's own nginx.conf, with other places and ports. Raises RuntimeError if it has changed."""
    text = NGINX.read_text()
    for theirs, ours in {
        "/run/secrets/cache-tls.pem": f"{folder}/tls.pem",
        "/var/lib/cache": f"{folder}/data",
        "/tmp/nginx": f"{folder}/cache-nginx",
        "listen 5443 ssl": f"listen 127.0.0.1:{TLS_PORT} ssl",
        "listen 5080": f"listen 127.0.0.1:{PLAIN_PORT}",
    }.items():
        if theirs not in text:
            raise RuntimeError(f"the cache's nginx.conf has no {theirs!r} any more")
        text = text.replace(theirs, ours)
    return f"{workers()}\n{text}"


def main(folder: Path) -> None:
    """Serve until told to stop. FOLDER has cache.json and tls.pem."""
    cache.SETTINGS, cache.FOLDER = folder / "cache.json", folder / "data"
    cache.NGINX = folder / "cache-nginx.conf"
    cache.NGINX.write_text(configuration(folder))
    asyncio.run(cache.main())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
