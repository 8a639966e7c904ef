"""The log lines of the real services: Spring's for the Java ones, the standard logger's for the Go ones."""

from __future__ import annotations

import logging
import sys
import time
from secrets import token_hex
from typing import TextIO

SPRING = (
    "%(asctime)s.%(msecs)03d %(levelname)5s "
    "[{app},{trace},{trace},false] 1 --- [p-nio-80-exec-1] %(name)s : %(message)s"
)


def spring(app: str, name: str) -> logging.Logger:
    """A Java service's logger: UTC stamp, padded level, trace brackets, abbreviated class name."""
    return _logger(name, SPRING.format(app=app, trace=token_hex(8)), "%Y-%m-%d %H:%M:%S", sys.stdout)


def go() -> logging.Logger:
    """A Go service's logger: UTC stamp and message, to standard error."""
    return _logger("go", "%(asctime)s %(message)s", "%Y/%m/%d %H:%M:%S", sys.stderr)


def _logger(name: str, line: str, stamp: str, stream: TextIO) -> logging.Logger:
    formatter = logging.Formatter(line, stamp)
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    return logger
