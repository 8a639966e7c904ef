"""A plug-in that writes every secret a run registers into the file that `CONFESSED` names, outside its report."""

from __future__ import annotations

import json
import os
from pathlib import Path

from judging.redaction import Redaction

FILE = Path(os.environ["CONFESSED"])
register = Redaction.secret


def confess(redaction: Redaction, value: str, kind: str) -> None:
    with FILE.open("a") as out:
        out.write(json.dumps([kind, value]) + "\n")
    register(redaction, value, kind)


Redaction.secret = confess  # type: ignore[method-assign]
