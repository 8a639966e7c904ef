"""What is noted of the services at a moment leaves out those of other systems, and only those."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

from fixtures.cluster.driver import Cluster
from fixtures.enactment.moments import Health, health_now
from fixtures.stack import Stack
from fixtures.stack.profile_file import load_profile

ROOT = Path(__file__).parents[2]
STACK = Stack(load_profile(ROOT / "stacks" / "embedded.toml"), Path("unused"))
SHOP, GATEWAY = STACK.system("sock_shop"), STACK.system("otp_gateway")


def test_beside_a_system_are_the_services_of_the_others() -> None:
    assert STACK.beside(SHOP) == set(GATEWAY.services.values())
    assert STACK.beside(GATEWAY) == set(SHOP.services.values())


def test_what_no_system_knows_is_noted_and_what_another_does_is_not() -> None:
    deployed = ["orders", "orders-db", "payment-backend"]
    cluster = SimpleNamespace(
        all_pods=list,
        all_endpoints=lambda: {"orders": ["10.0.0.1"]},
        deployments=lambda: [SimpleNamespace(name=name, ready=1, selects=lambda pod: False) for name in deployed],
    )

    noted = health_now(cast(Cluster, cluster), STACK.beside(SHOP))

    assert noted == {"orders": Health(1, 1, ()), "orders-db": Health(1, 0, ())}
