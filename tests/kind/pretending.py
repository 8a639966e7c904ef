"""Stands on PATH as `docker` or `kind`: notes how it is called and does what the test has told it."""

import json
import os
import re
import signal
import sys
from pathlib import Path

folder = Path(os.environ["PRETENDING"])
call = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
with (folder / "calls").open("a") as calls:
    calls.write(call + "\n")
answers = json.loads((folder / "answers.json").read_text())
called = (folder / "calls").read_text().splitlines()
times = {pattern: sum(bool(re.search(pattern, each)) for each in called) for pattern, _ in answers}
fitting = (answer for pattern, answer in answers if re.search(pattern, call) and times[pattern] <= answer["times"])
answer = next(fitting, {})
if call.startswith("kind create"):
    Path(sys.argv[sys.argv.index("--kubeconfig") + 1]).write_text("{}")
print(answer.get("says", ""), end="", flush=True)
if answer.get("hangs"):
    signal.pause()
sys.exit(answer.get("ends", 0))
