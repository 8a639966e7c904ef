"""The database server of one pod; its data lies in a temporary folder and goes with the pod."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile

from reference.mongodb import build
from reference.refusal import CannotRun

PORT = "27017"


def main() -> None:
    """Become mongod when there is one, else FerretDB."""
    host, folder = os.environ.get("POD_IP", "127.0.0.1"), tempfile.mkdtemp(prefix="mongodb-")
    if mongod := shutil.which("mongod"):
        os.execv(mongod, [mongod, "--bind_ip", host, "--port", PORT, "--dbpath", folder, "--quiet"])
    try:
        server = str(build.ferretdb())
    except CannotRun as error:
        sys.exit(str(error))
    os.execv(server, [server, f"{host}:{PORT}", folder])


if __name__ == "__main__":
    main()
