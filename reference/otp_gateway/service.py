"""What both services of the gateway share: their switches, how they listen, and their end."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette

BACKLOG = 1024
ANSWERED_WITHIN = 1  # seconds: less than a pod is given to end


def defect(name: str) -> bool:
    """Whether the planted bug of that name is switched on for this Deployment."""
    return os.environ.get(f"DEFECT_{name.upper()}") == "on"


def setting(name: str, *allowed: str) -> str:
    """One of the allowed words, the first where the environment gives none; exits with one line at any other."""
    value = os.environ.get(name) or allowed[0]
    if value not in allowed:
        sys.exit(f"{name}={value} is unknown: give {' or '.join(allowed)}")
    return value


class Server(uvicorn.Server):
    """Leaves SIGTERM to us."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Catch none."""
        yield


def run(name: str, app: Starlette, port: int) -> None:
    """Serve until SIGTERM; exits with one line when the port cannot be had."""
    # A port-forward reaches a container by its own loopback address, a Service by the pod's: PID 1 listens on both.
    host = "0.0.0.0" if os.getpid() == 1 else os.environ.get("POD_IP") or "127.0.0.1"
    try:
        listener = socket.create_server((host, port), backlog=BACKLOG)
    except OSError as error:
        sys.exit(f"{name}: cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}")
    server = Server(uvicorn.Config(app, backlog=BACKLOG, timeout_graceful_shutdown=ANSWERED_WITHIN))
    signal.signal(signal.SIGTERM, lambda *_: _end(server))
    server.run([listener])
    os._exit(0)


def _end(server: Server) -> None:
    """At once where nobody waits for an answer, else when all have one or too much time has passed."""
    if not server.server_state.tasks:
        os._exit(0)
    server.should_exit = True


# Until it serves; and PID 1 of a container would ignore the signal without a handler.
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
