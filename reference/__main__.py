"""The reference stack: run it in the foreground, leave it running, or end it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from reference.kustomize import variants
from reference.running import CannotRun, run
from reference.standing import down, up

STATE = Path(__file__).parents[1] / ".stack"
UNUSABLE = 4


class Parser(argparse.ArgumentParser):
    """Tells what is wrong with the command line in two lines."""

    def error(self, message: str) -> NoReturn:
        """Give up."""
        self.exit(UNUSABLE, f"reference: {message}\nreference: try {self.prog} --help\n")


def main() -> None:
    """Read the command line and do what it says; ends with 4 when that cannot be done."""
    parser = Parser(prog="python -m reference", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("run", help="cluster and shop in the foreground, until SIGTERM or the end of stdin")
    one.add_argument("--kubeconfig", type=Path, required=True, help="written when the API answers")
    one.add_argument("--logs", type=Path, help="folder for all logs; beside the kubeconfig if not given")
    one.add_argument("--keep", action="store_true", help="go on when stdin ends")
    left = commands.add_parser("up", help="leave cluster and shop running")
    for command in (one, left):
        command.add_argument("--variant", choices=variants(), default="as-reported")
    for command in (left, commands.add_parser("down", help="end what up left running")):
        command.add_argument("--state", type=Path, default=STATE, help="folder that remembers it (%(default)s)")
    asked = parser.parse_args()
    try:
        if asked.command == "run":
            logs = asked.logs or asked.kubeconfig.parent / "logs"
            run(asked.variant, asked.kubeconfig.absolute(), logs.absolute(), asked.keep)
        elif asked.command == "up":
            up(asked.variant, asked.state.absolute())
        else:
            down(asked.state.absolute())
    except CannotRun as error:
        parser.exit(UNUSABLE, f"{error}\n")


if __name__ == "__main__":
    main()
