"""Servers on this machine, beside the environment: started for a bench, and ended with it."""

import os
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from bench.waiting import wait
from providers import x509

READY_SECONDS = 20.0  # each starts within one; Python imports for some on a busy machine
STOP_SECONDS = 15.0
NGINX = """\
{user}
pid {folder}/nginx.pid;
worker_processes auto;
error_log stderr warn;
daemon off;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    sendfile on;
    tcp_nopush on;
    ssl_certificate {folder}/tls.pem;
    ssl_certificate_key {folder}/tls.pem;
    ssl_protocols TLSv1.2 TLSv1.3;
    {server}
}}
"""


def certify(folder: Path, *names: str) -> str:
    """Put a server's certificate and key into FOLDER/tls.pem; return the CA's certificate."""
    ca, ca_key = x509.self_signed("bench", 1)
    certificate, key = x509.signed(ca, ca_key, list(names), "server", 1)
    (folder / "tls.pem").write_text(certificate + key)
    (folder / "ca.pem").write_text(ca)
    return ca


@contextmanager
def running(
    words: list[str], url: str, folder: Path, variables: dict[str, str] | None = None
) -> Iterator[None]:
    """A server until the block ends. `url` is what answers when it is ready; FOLDER/ca.pem is trusted."""
    with subprocess.Popen(words, env={**os.environ, **(variables or {})}) as process:
        try:
            wait(f"{words[0]} answers", READY_SECONDS, lambda: _answers(process, url, folder))
            yield
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def nginx(folder: Path, server: str, url: str) -> Iterator[None]:
    """nginx with these `server` blocks, and the certificate of FOLDER."""
    file = folder / "nginx.conf"
    file.write_text(NGINX.format(folder=folder, server=server, user=workers()))
    with running(["nginx", "-c", str(file)], url, folder):
        yield


def workers() -> str:
    """nginx's line on whom its workers run as: as we do, for the files are ours alone."""
    return "user root;" if os.geteuid() == 0 else ""


def _answers(process: subprocess.Popen[bytes], url: str, folder: Path) -> bool:
    if process.poll() is not None:
        raise RuntimeError(f"{process.args!r} ended with status {process.returncode}")
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    with urlopen(url, timeout=2, context=context if url.startswith("https") else None) as answer:
        return bool(answer.status == 200)
