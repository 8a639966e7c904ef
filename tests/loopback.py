"""Loopback addresses that tests have to themselves, also beside other workers and what other runs have left."""

from __future__ import annotations

import socket
from pathlib import Path

LISTENING = "0A"
_held: list[socket.socket] = []


def own_network() -> int:
    """A number N whose 127.N.*.* nobody listens on, nor takes by this function until the process ends."""
    for network in range(160, 250):
        try:
            _held.append(socket.create_server((f"127.{network}.254.1", 8080)))
        except OSError:
            continue
        if _listeners(network) == 1:
            return network
    raise RuntimeError("no free loopback network")


def _listeners(network: int) -> int:
    """How many sockets listen on 127.N.*.*, by Linux's own table: addresses in hexadecimal, last byte first."""
    sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(told[3] == LISTENING and told[1].partition(":")[0].endswith(f"{network:02X}7F") for told in sockets)
