"""The Docker engine: the user's own where one answers, else one started for the run in a folder of its own."""

from __future__ import annotations

import hashlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reference.programs import Failed, refusing, remove, run, say, soon
from reference.refusal import CannotRun

WRAPPER = Path(__file__).with_name("bounded-runc")
POLICY = Path("/usr/sbin/policy-rc.d")
PACKAGES = ("docker.io", "iptables", "jq", "util-linux")
ANSWER_SECONDS, START_SECONDS, END_SECONDS, INSTALL_SECONDS = 10, 60, 30, 300


class OwnEngine:
    """An engine of ours: all that it keeps lies in one folder, and goes with it."""

    def __init__(self, state: Path) -> None:
        # A socket's path may have 108 characters, and the state folder may lie deep, so the folder is found by a hash.
        name = hashlib.sha256(str(state.resolve()).encode()).hexdigest()[:8]
        self.folder = Path("/var/lib") / f"incident-conformance-{name}"
        self.host = f"unix://{self.folder}/docker.sock"

    @property
    def exists(self) -> bool:
        """Whether it was started once and not removed since; it may have been killed."""
        return self.folder.exists()

    def start(self, log: Path, keep: bool) -> None:
        """Start it and wait until it answers; unless it is kept it ends with this process, however this ends."""
        if not shutil.which("dockerd"):
            _install(log.with_name("install-docker.log"))
        process = None
        if self._process() is None:
            say(f"starting a Docker engine of its own in {self.folder}")
            process = self._launch(log, keep)
        os.environ["DOCKER_HOST"] = self.host
        if process and not self._listens(process):
            last = (log.read_text(errors="replace").strip().splitlines() or ["no message"])[-1]
            self.end()
            remedy = f"start an engine yourself (docker info must answer); see {log}"
            raise CannotRun("E-DOCKER-START", f"dockerd does not start: {last}", remedy)
        with refusing("E-DOCKER-START", "the engine that was started does not answer", f"see {log}"):
            run(["docker", "version"], START_SECONDS)

    def _empty(self) -> None:
        """Take containers and networks out of it: left to itself it would leave bridges behind, and be slow."""
        docker = ["docker", "--host", self.host]
        with suppress(Failed):
            for kind, removing in (("container", ["--force", "--volumes"]), ("network", [])):
                names = [kind, "ls", "--quiet", *(["--all"] if kind == "container" else ["--filter", "type=custom"])]
                if there := run([*docker, *names], END_SECONDS).split():
                    run([*docker, kind, "rm", *removing, *there], END_SECONDS)

    def _launch(self, log: Path, keep: bool) -> subprocess.Popen[bytes]:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        (self.folder / "docker.sock").unlink(missing_ok=True)
        wrapper = self.folder / WRAPPER.name
        shutil.copy(WRAPPER, wrapper)
        settings = {
            "data-root": f"{self.folder}/data",
            "exec-root": f"{self.folder}/exec",
            "pidfile": f"{self.folder}/docker.pid",
            "hosts": [self.host],
            "default-runtime": "bounded",
            "runtimes": {"bounded": {"path": str(wrapper)}},
            # The host's packet filter and routes stay as they are; published ports go through Docker's own proxy.
            "bridge": "none",
            "iptables": False,
            "ip-forward": False,
        }
        (self.folder / "daemon.json").write_text(json.dumps(settings, indent=2))
        command = ["dockerd", "--config-file", f"{self.folder}/daemon.json"]
        command = command if keep else ["setpriv", "--pdeathsig", "TERM", "--", *command]
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as written:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=written, stderr=written, start_new_session=True
            )

    def _listens(self, process: subprocess.Popen[bytes]) -> bool:
        socket = self.folder / "docker.sock"
        return soon(lambda: socket.exists() or process.poll() is not None, START_SECONDS) and process.poll() is None

    def _process(self) -> int | None:
        """A handle on the engine's process, or None when it does not run."""
        try:
            pid = int((self.folder / "docker.pid").read_text())
            if str(self.folder).encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                return os.pidfd_open(pid)
        except (OSError, ValueError):
            pass
        return None

    def end(self) -> None:
        """End it, with every container in it, and remove its folder."""
        say("ending the Docker engine that was started for this, with all that is in it")
        if (process := self._process()) is not None:
            self._empty()
            signal.pidfd_send_signal(process, signal.SIGTERM)
            if not select.select([process], [], [], END_SECONDS)[0]:
                cause = f"the engine has not ended within {END_SECONDS} s"
                raise CannotRun("E-DOCKER-END", cause, f"end the process that {self.folder}/docker.pid names")
            with suppress(ChildProcessError):
                os.waitid(os.P_PIDFD, process, os.WEXITED)
        remove(self.folder)
        os.environ.pop("DOCKER_HOST", None)


def use_or_start(state: Path, keep: bool) -> OwnEngine | None:
    """Have an engine that answers: the user's, or ours, which is then returned."""
    own = OwnEngine(state)
    log = state / "logs" / "dockerd.log"
    if not own.exists:
        if (why := trouble()) is None:
            return None
        if not _may_start():
            raise why
        say(f"no Docker engine answers ({why.cause})")
    own.start(log, keep)
    return own


def trouble() -> CannotRun | None:
    """Why the user's engine cannot be used, or None when it answers."""
    if not shutil.which("docker"):
        remedy = "install Docker: docs.docker.com/engine/install"
        return CannotRun("E-DOCKER-MISSING", "there is no docker on PATH", remedy)
    try:
        run(["docker", "version", "--format", "{{.Server.Version}}"], ANSWER_SECONDS)
    except Failed as failed:
        if "permission denied" in failed.output.lower():
            remedy = "add yourself to the group docker (sudo usermod -aG docker $USER, then log in again)"
            return CannotRun("E-DOCKER-PERMISSION", f"you may not use the Docker engine: {failed.last}", remedy)
        remedy = "start it (Docker Desktop, or sudo systemctl start docker) and see that docker info answers"
        return CannotRun("E-DOCKER-DOWN", f"the Docker engine does not answer: {failed.last or failed.why}", remedy)
    return None


def _may_start() -> bool:
    """Whether an engine can be installed and started here; whoever names an engine wants that one."""
    named = os.environ.get("DOCKER_HOST") or os.environ.get("DOCKER_CONTEXT")
    debian = shutil.which("apt-get") and Path("/etc/debian_version").exists()
    return bool(sys.platform == "linux" and os.geteuid() == 0 and debian and not named)


def _install(log: Path) -> None:
    say(f"installing {PACKAGES[0]} by apt-get")
    install_packages(*PACKAGES, log=log)


def install_packages(*packages: str, log: Path) -> None:
    """Install Debian packages, without any service of theirs being started."""
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    wait = ["apt-get", "-o", f"DPkg::Lock::Timeout={INSTALL_SECONDS}"]
    remedy = "see that a Debian mirror can be reached, or install them yourself"
    with refusing("E-PACKAGES", f"{', '.join(packages)} cannot be installed", remedy, log), _no_service_starts():
        run([*wait, "update"], INSTALL_SECONDS, environment=environment)
        run([*wait, "install", "--yes", "--no-install-recommends", *packages], INSTALL_SECONDS, environment=environment)


@contextmanager
def _no_service_starts() -> Iterator[None]:
    """Debian starts what it installs; the host's engine is none of our business."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)
