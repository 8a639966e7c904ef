"""The shop's MongoDB databases; apart from service.py because half of the services have none."""

from __future__ import annotations

import asyncio
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from reference.sock_shop.service import DEADLINE, address

Document = dict[str, Any]


def database(service: str, name: str) -> AsyncDatabase[Document]:
    """A MongoDB database of that Service; connects at the first operation, gives up after 5 s."""
    milliseconds = int(DEADLINE * 1000)
    host, port = address(service, 27017)
    client: AsyncMongoClient[Document] = AsyncMongoClient(
        host,
        port,
        serverSelectionTimeoutMS=milliseconds,
        connectTimeoutMS=milliseconds,
        socketTimeoutMS=milliseconds,
    )
    return client[name]


async def pulse(database: AsyncDatabase[Document]) -> str:
    """Whether the database answers within half a second: "OK" or "err", as health checks say it."""
    try:
        await asyncio.wait_for(database.command("ping"), 0.5)
    except (PyMongoError, TimeoutError):
        return "err"
    return "OK"
