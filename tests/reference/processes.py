"""The shop's services as plain processes on loopback addresses of their own: no cluster, no page."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests
from pymongo import MongoClient
from pymongo.database import Database

from fixtures.waiting import eventually
from reference.mongodb import build
from tests.loopback import own_network

ROOT = Path(__file__).parents[2]
DATABASES = ("orders-db", "carts-db", "user-db", "stripe-db")
MODULES = {name: name for name in ("catalogue", "carts", "user", "orders", "payment", "shipping")} | {
    "stripe-mock": "gateway"
}
PORTS = dict.fromkeys(MODULES, 8080) | {"stripe-mock": 12111} | dict.fromkeys(DATABASES, 27017)
USUAL: dict[str, dict[str, str]] = {"payment": {"PAYMENT_GATEWAY_URL": "http://stripe-mock"}}
COLOURFUL = ("3395a43e-2d88-40de-b95f-e00e1502085b", 18.0)
FIGUEROA = ("819e1fbf-8b7e-4f6d-811f-693534916a8b", 14.0)
DEADLINE = 20  # seconds


@dataclass(frozen=True)
class Customer:
    """A registered customer with an address and a card."""

    id: str
    order: dict[str, str]  # the body of POST /orders: four links


@dataclass
class Shop:
    """All services but the page; each can be ended, and started again with other variables."""

    folder: Path
    network: int
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    numbers: count[int] = field(default_factory=count)

    def host(self, service: str) -> str:
        """The address of one service."""
        return f"127.{self.network}.7.{list(PORTS).index(service) + 1}"

    def url(self, service: str, path: str = "") -> str:
        """A URL of one service."""
        return f"http://{self.host(service)}:{PORTS[service]}{path}"

    def start(self, service: str, **variables: str) -> None:
        """Start a service and wait until it takes connections."""
        environment = {
            key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LANG", "XDG_CACHE_HOME")
        }
        for name, port in PORTS.items():
            prefix = name.upper().replace("-", "_")
            environment |= {f"{prefix}_SERVICE_HOST": self.host(name), f"{prefix}_SERVICE_PORT": str(port)}
        environment |= {"POD_IP": self.host(service), "TMPDIR": str(self.folder)} | USUAL.get(service, {}) | variables
        module = "reference.mongodb" if service in DATABASES else f"reference.sock_shop.{MODULES[service]}"
        with self.log(service).open("ab") as log:
            self.processes[service] = subprocess.Popen(
                [sys.executable, "-m", module], cwd=ROOT, env=environment, stdout=log, stderr=log
            )

    def ready(self, *services: str) -> None:
        """Wait until the services take connections."""

        def connected(service: str) -> bool:
            assert self.processes[service].poll() is None, self.log(service).read_text()
            socket.create_connection((self.host(service), PORTS[service]), timeout=1).close()
            return True

        for service in services or self.processes:
            look = partial(connected, service)
            eventually(f"{service} takes connections", look, within=DEADLINE, every=0.01, forgive=(OSError,))

    def stop(self, service: str) -> int:
        """End a service by SIGTERM; its exit code."""
        process = self.processes.pop(service)
        process.terminate()
        return process.wait(DEADLINE)

    def again(self, service: str, **variables: str) -> None:
        """Start a service anew with these variables."""
        if service in self.processes:
            self.stop(service)
        self.start(service, **variables)
        self.ready(service)

    def log(self, service: str) -> Path:
        """What a service wrote."""
        return self.folder / f"{service}.log"

    def database(self, service: str, name: str) -> Database[dict[str, Any]]:
        """A database of the shop, as the suite reads it."""
        return MongoClient[dict[str, Any]](self.host(service), PORTS[service], serverSelectionTimeoutMS=5000)[name]

    def call(self, method: str, service: str, path: str, **more: Any) -> requests.Response:
        """One HTTP call."""
        return requests.request(method, self.url(service, path), timeout=DEADLINE, **more)

    def customer(self) -> Customer:
        """A new customer who can pay."""
        person = {
            "username": f"u-{uuid4()}",
            "password": "pw",
            "email": "a@b.example",
            "firstName": "Ada",
            "lastName": "B",
        }
        identity = self.call("POST", "user", "/register", json=person).json()["id"]
        address = {
            "number": "1",
            "street": "High St",
            "city": "Ely",
            "postcode": "CB7",
            "country": "UK",
            "userID": identity,
        }
        card = {"longNum": "4111111111111111", "expires": "01/30", "ccv": "123", "userID": identity}
        links = {"customer": f"http://user/customers/{identity}", "items": f"http://carts/carts/{identity}/items"}
        for kind, document in (("addresses", address), ("cards", card)):
            made = self.call("POST", "user", f"/{kind}", json=document).json()["id"]
            links[{"addresses": "address", "cards": "card"}[kind]] = f"http://user/{kind}/{made}"
        return Customer(identity, links)

    def fill(self, customer: Customer, *socks: tuple[str, float]) -> None:
        """Put socks into the customer's cart."""
        for sock, price in socks:
            self.call("POST", "carts", f"/carts/{customer.id}/items", json={"itemId": sock, "unitPrice": price})

    def buyer(self, *socks: tuple[str, float]) -> Customer:
        """A new customer with socks in the cart, Colourful unless told otherwise."""
        customer = self.customer()
        self.fill(customer, *(socks or (COLOURFUL,)))
        return customer

    def order(self, customer: Customer, **headers: str) -> requests.Response:
        """Check out."""
        return self.call("POST", "orders", "/orders", json=customer.order, headers=headers)

    def kept(self, customer: Customer) -> list[dict[str, Any]]:
        """The customer's orders as the database keeps them."""
        return list(self.database("orders-db", "data").customerOrder.find({"customerId": customer.id}).sort("_id"))

    def cart(self, customer: Customer) -> list[dict[str, Any]]:
        """The lines of the customer's cart."""
        lines: list[dict[str, Any]] = self.call("GET", "carts", f"/carts/{customer.id}/items").json()
        return lines

    def charged(self, customer: Customer) -> list[dict[str, Any]]:
        """The ledger's entries for the customer's orders."""
        mine = {str(order["_id"]) for order in self.kept(customer)}
        return [
            charge
            for charge in self.call("GET", "stripe-mock", "/admin/ledger").json()
            if charge["metadata"].get("order") in mine
        ]

    def shipped(self, customer: Customer) -> int:
        """How many shipments were asked for in the customer's name."""
        return self.log("shipping").read_text().count(f"Received shipment task: {customer.id}")


def start(folder: Path) -> Shop:
    """A corrected shop, all services up."""
    build.ferretdb()
    shop = Shop(folder, own_network())
    for service in (*DATABASES, *MODULES):
        shop.start(service)
    shop.ready()
    return shop
