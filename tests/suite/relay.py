"""A line to an API server that can be cut and mended, while the server and everything behind it goes on."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit


class Line(socketserver.ThreadingTCPServer):
    """Passes bytes on; while it is cut, whoever calls is hung up on at once, and counted."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, far: tuple[str, int]) -> None:
        super().__init__(("127.0.0.1", 0), Call)
        self.far, self.whole, self.refused = far, True, 0
        self.open: list[socket.socket] = []

    def cut(self) -> None:
        """Hang up on everybody, and on whoever calls from now on."""
        self.whole = False
        for end in self.open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Calls go through again."""
        self.whole = True


class Call(socketserver.BaseRequestHandler):
    """One connection."""

    server: Line

    def handle(self) -> None:
        if not self.server.whole:
            self.server.refused += 1
            return
        with contextlib.suppress(OSError), socket.create_connection(self.server.far, timeout=10) as far:
            near: socket.socket = self.request
            self.server.open += [near, far]
            while self.server.whole:
                for source in select.select([near, far], [], [], 1.0)[0]:
                    data = source.recv(65536)
                    if not data:
                        return
                    (far if source is near else near).sendall(data)


@contextlib.contextmanager
def line_to(kubeconfig: Path, folder: Path) -> Iterator[tuple[Line, Path]]:
    """A line to the API server of a kubeconfig, and a kubeconfig that leads through it."""
    config = json.loads(kubeconfig.read_text())
    cluster = config["clusters"][0]["cluster"]
    server = urlsplit(cluster["server"])
    with Line((str(server.hostname), int(server.port or 443))) as line:
        cluster |= {"server": f"https://127.0.0.1:{line.server_address[1]}", "tls-server-name": server.hostname}
        through = folder / "through"
        through.write_text(json.dumps(config))
        threading.Thread(target=line.serve_forever, args=(0.05,), daemon=True).start()
        yield line, through
        line.shutdown()
