"""What every service of the shop shares: its address, its peers, its switches, its end."""

from __future__ import annotations

import logging
import os
import signal
import sys
from functools import cache

from aiohttp import ClientSession, ClientTimeout, TCPConnector, web

DEADLINE = 5.0  # seconds: http.timeout of the real orders service


def defect(name: str) -> bool:
    """Whether the planted bug of that name is switched on for this Deployment."""
    return os.environ.get(f"DEFECT_{name.upper()}") == "on"


def address(service: str, port: int) -> tuple[str, int]:
    """Host and port of a Service: from the variables that Kubernetes sets, else its name and usual port."""
    variable = service.upper().replace("-", "_")
    host = os.environ.get(f"{variable}_SERVICE_HOST", service)
    return host, int(os.environ.get(f"{variable}_SERVICE_PORT", port))


def peer(service: str) -> str:
    """Base URL of another service of the shop."""
    host, port = address(service, 80)
    return f"http://{host}" if port == 80 else f"http://{host}:{port}"


@cache
def http(app: web.Application) -> ClientSession:
    """The application's one HTTP client; a call ends after 5 s unless it says otherwise."""
    # A kept connection may lead to a pod that is just ending, so every call dials.
    return ClientSession(connector=TCPConnector(force_close=True), timeout=ClientTimeout(total=DEADLINE))


def run(name: str, app: web.Application, port: int) -> None:
    """Serve until SIGTERM; exits with one line when the port cannot be had."""
    logging.basicConfig(stream=sys.stdout, format="%(message)s", level=logging.INFO)
    # A port-forward reaches a container by its own loopback address, a Service by the pod's: PID 1 listens on both.
    host = "0.0.0.0" if os.getpid() == 1 else os.environ.get("POD_IP") or "127.0.0.1"
    try:
        web.run_app(app, host=host, port=port, access_log=None, print=None, handle_signals=False)
    except OSError as error:
        sys.exit(f"{name}: cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}")


# At once, open connections or not; and PID 1 of a container would ignore the signal without a handler.
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
