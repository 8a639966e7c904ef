"""Run an embedded cluster in the foreground until it is told to end."""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import json
import logging
import os
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

import trustme
from aiohttp import web

from reference.cluster import objects, reaper
from reference.cluster.api import ApiServer
from reference.cluster.controllers import GarbageCollector, NamespaceController, ReplicaSetController
from reference.cluster.deployments import DeploymentController
from reference.cluster.environment import Image, load_images
from reference.cluster.kubelet import Kubelet
from reference.cluster.registry import Registry
from reference.cluster.services import EndpointController, ServiceProxy

API_PORT = 6443
NETWORKS = range(10, 250)
NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
UNUSABLE = 4


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        _give_up(message, "run it with --help for what it takes")


def main() -> None:
    """Read the command line, run the cluster, and end with 4 when it cannot be run as asked."""
    parser = _Parser(prog="python -m reference.cluster", description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True, help="written when the API answers")
    parser.add_argument("--logs", type=Path, required=True, help="folder that keeps the containers' logs")
    parser.add_argument("--images", type=Path, required=True, help="TOML file: what each image is")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when stdin ends, too")
    asked = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(name)s %(message)s")
    try:
        images = load_images(asked.images)
    except OSError as error:
        _give_up(f"cannot read the images file {asked.images}: {error.strerror}", "name a TOML file with --images")
    except ValueError as error:
        _give_up(f"{asked.images}: {error}", 'write each image as ["name"] with entrypoint = ["python", "-m", "…"]')
    for folder in (asked.kubeconfig.parent, asked.logs):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError as error:
            _give_up(f"cannot write to {folder}: {error.strerror}", "name a folder that you may write to")
    network, listener = _claimed_network()
    with tempfile.TemporaryDirectory(prefix="cluster-", ignore_cleanup_errors=True) as scratch:
        os.environ[reaper.VARIABLE] = mark = secrets.token_hex(8)
        after = [sys.executable, "-I", "-S", reaper.__file__, mark, scratch]
        with subprocess.Popen(after, stdin=subprocess.PIPE, env={}, start_new_session=True):
            asyncio.run(_serve(asked, images, network, listener, Path(scratch)))


def _give_up(cause: str, remedy: str) -> NoReturn:
    sys.stderr.write(f"cluster: {cause}\n         {remedy}\n")
    raise SystemExit(UNUSABLE)


def _claimed_network() -> tuple[int, socket.socket]:
    """Return a free loopback network 127.N.0.0/16, and the socket of its API address that claims it."""
    for network in NETWORKS:
        with contextlib.suppress(OSError):
            return network, socket.create_server((f"127.{network}.0.1", API_PORT), backlog=128)
    remedy = f"end the program that listens on port {API_PORT} of all addresses"
    _give_up(f"port {API_PORT} is taken on every address 127.N.0.1", remedy)


async def _serve(
    asked: argparse.Namespace, images: dict[str, Image], network: int, listener: socket.socket, scratch: Path
) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for wanted in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(wanted, ended.set)
    if asked.until_stdin_closes:
        try:
            loop.add_reader(sys.stdin, lambda: None if os.read(sys.stdin.fileno(), 4096) else ended.set())
        except OSError:  # a file or nothing: it cannot be waited for, so it counts as closed
            ended.set()
    address, token, authority = f"127.{network}.0.1", secrets.token_urlsafe(32), trustme.CA()
    certificate = authority.cert_pem.bytes()
    registry = Registry(objects.Store(), network)
    NamespaceController(registry, certificate.decode())
    for name in NAMESPACES:
        registry.create(objects.NAMESPACES, "", {"metadata": {"name": name}})
    for controller in (GarbageCollector, DeploymentController, ReplicaSetController, EndpointController, ServiceProxy):
        controller(registry)
    kubelet = Kubelet(registry, images, asked.logs, scratch)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(address).configure_cert(context)
    server = web.Server(ApiServer(registry, kubelet, token).handle, handler_cancellation=True, access_log=None)
    runner = web.ServerRunner(server, shutdown_timeout=1)
    await runner.setup()
    await web.SockSite(runner, listener, ssl_context=context).start()
    _write_kubeconfig(asked.kubeconfig, f"https://{address}:{API_PORT}", certificate, token)
    await ended.wait()
    await kubelet.stop()
    await runner.cleanup()


def _write_kubeconfig(path: Path, server: str, certificate: bytes, token: str) -> None:
    trust = {"server": server, "certificate-authority-data": base64.b64encode(certificate).decode()}
    name = "embedded"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": trust}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}-", delete=False) as file:
        json.dump(config, file, indent=2)
    Path(file.name).replace(path)


if __name__ == "__main__":
    main()
