"""A Prometheus histogram of request durations."""

from __future__ import annotations

from collections import defaultdict

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
NAME = "http_request_duration_seconds"


class Durations:
    """Counts requests by their labels; `text` is what Prometheus scrapes."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._seen: defaultdict[str, list[float]] = defaultdict(lambda: [0.0] * (len(BUCKETS) + 2))

    def observe(self, method: str, path: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        labels = f'service="{self._service}",method="{method}",path="{path}",status_code="{status}"'
        row = self._seen[labels]
        for place, limit in enumerate(BUCKETS):
            row[place] += seconds <= limit
        row[-2] += seconds
        row[-1] += 1

    def text(self) -> str:
        """The histogram in Prometheus' text format."""
        lines = [f"# HELP {NAME} Time (in seconds) spent serving HTTP requests.", f"# TYPE {NAME} histogram"]
        for labels, (*buckets, total, count) in self._seen.items():
            limits = [*map(str, BUCKETS), "+Inf"]
            for limit, below in zip(limits, [*buckets, count], strict=True):
                lines.append(f'{NAME}_bucket{{le="{limit}",{labels}}} {below:.0f}')
            lines += [f"{NAME}_sum{{{labels}}} {total:.6f}", f"{NAME}_count{{{labels}}} {count:.0f}"]
        return "\n".join([*lines, ""])
