"""The same work by several clients, each in a process of its own: NAME URL COUNT WORKERS.

Prints the seconds it took and the processor time of the whole process, as JSON. `locust` needs nothing but locust, so
that it can run as a file in an environment of its own.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit


def ours(url: str, count: int, workers: int) -> float:
    """Seconds that this suite's load takes."""
    from fixtures.load.schedule import Schedule
    from fixtures.load.sending import Call, Load
    from fixtures.load.targets import Targets

    result = Load(Targets([url])).send(Call(url), Schedule.backlog(count, workers))
    assert result.outcomes() == {"200": count}, result.outcomes()
    return result.seconds


def requests(url: str, count: int, workers: int) -> float:
    """Seconds that requests takes, with a session and a thread for each worker."""
    from requests import Session

    left = iter(range(count))

    def work(_: int) -> int:
        with Session() as session:
            return sum(session.get(url, timeout=30).ok for _ in left)

    began = time.monotonic()
    with ThreadPoolExecutor(workers) as pool:
        assert sum(pool.map(work, range(workers))) == count
    return time.monotonic() - began


def locust(url: str, count: int, workers: int) -> float:
    """Seconds that locust takes with its fast client, from the first request to the last."""
    from locust import FastHttpUser, task
    from locust.env import Environment
    from locust.exception import StopUser

    left, answered, parts = iter(range(count)), [], urlsplit(url)

    class Customer(FastHttpUser):
        host = f"{parts.scheme}://{parts.netloc}"

        @task
        def pay(self) -> None:
            if next(left, None) is None:
                raise StopUser
            self.client.get(f"{parts.path}?{parts.query}", name="pay")
            answered.append(time.monotonic())

    environment = Environment(user_classes=[Customer])
    runner = environment.create_local_runner()
    began = time.monotonic()
    runner.start(workers, spawn_rate=workers)
    runner.spawning_greenlet.join(30)
    runner.greenlet.join(0)
    while runner.user_count:
        runner.user_greenlets.join(1)
    assert len(answered) == count, len(answered)
    return max(answered) - began


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Do the work once to load everything, then once to be measured."""
    name, url, count, workers = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    client = {"ours": ours, "requests": requests, "locust": locust}[name]
    client(url, workers, workers)
    before = _cpu()
    seconds = client(url, count, workers)
    print(json.dumps({"seconds": seconds, "cpu": _cpu() - before}))


if __name__ == "__main__":
    main()
