"""The reference stack: run it in the foreground, leave it running, or end it; the same on KIND."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from reference.kind import offline, stack
from reference.kustomize import variants
from reference.programs import ending_on_signals
from reference.refusal import CannotRun
from reference.running import run
from reference.standing import down, up

STATE = Path(__file__).parents[1] / ".stack"
UNUSABLE = 4
Asked = argparse.Namespace


class Parser(argparse.ArgumentParser):
    """Tells what is wrong with the command line in two lines."""

    def error(self, message: str) -> NoReturn:
        """Give up."""
        self.exit(UNUSABLE, f"E-USAGE {message}\nremedy: try {self.prog} --help\n")


def main() -> None:
    """Read the command line and do what it says; ends with 4 when that cannot be done."""
    parser = _parser()
    asked = parser.parse_args()
    try:
        parser.exit(asked.act(asked) or 0)
    except CannotRun as error:
        parser.exit(UNUSABLE, f"{error}\n")


def _parser() -> Parser:
    parser = Parser(prog="python -m reference", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, act: Callable[[Asked], int | None], about: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=about, description=about)
        made.set_defaults(act=act)
        return made

    one = command("run", _run, "cluster and systems in the foreground, until SIGTERM or the end of stdin")
    one.add_argument("--kubeconfig", type=Path, required=True, help="written when the API answers")
    one.add_argument("--logs", type=Path, help="folder for all logs; beside the kubeconfig if not given")
    one.add_argument("--keep", action="store_true", help="go on when stdin ends")
    left = command("up", lambda asked: up(asked.variant, asked.state.absolute()), "leave cluster and systems running")
    ended = command("down", lambda asked: down(asked.state.absolute()), "end what up left running")
    kind = command("kind", _kind, "bring the systems up on a KIND cluster, and run a command there")
    kind.add_argument("--keep", action="store_true", help="let a Docker engine go on that had to be started for this")
    kind.add_argument("words", nargs="*", metavar="COMMAND", help="run when they are up; its exit code is handed on")
    removed = command("kind-down", lambda asked: stack.down(asked.state.absolute()), "remove what kind made")
    image = command("kind-offline-image", _offline_image, "build what a registry would give, from package mirrors")
    for made in (one, left, kind):
        more = "what runs, one variant of each system"
        made.add_argument("--variant", nargs="+", choices=variants(), default=["as-reported"], help=more)
    for made, place in ((left, STATE), (ended, STATE), *((each, STATE / "kind") for each in (kind, removed, image))):
        made.add_argument("--state", type=Path, default=place, help="folder that remembers it (%(default)s)")
    return parser


def _run(asked: Asked) -> None:
    logs = asked.logs or asked.kubeconfig.parent / "logs"
    run(asked.variant, asked.kubeconfig.absolute(), logs.absolute(), asked.keep)


def _kind(asked: Asked) -> int:
    return stack.judge(asked.variant, asked.state.absolute(), asked.keep, asked.words)


def _offline_image(asked: Asked) -> None:
    with ending_on_signals():
        for file in offline.everything(asked.state.absolute() / "logs" / "offline.log"):
            print(file)


if __name__ == "__main__":
    main()
