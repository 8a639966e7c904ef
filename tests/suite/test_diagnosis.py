"""The signs of a gateway outage, and of three other troubles that must not be taken for one (R000_24, R000_49)."""

from __future__ import annotations

import pytest

from fixtures.evidence.diagnosis import Signs, diagnosis


@pytest.mark.parametrize(
    ("signs", "named"),
    [
        (
            Signs(payment_healthy=True, gateway_endpoints=0, attempts=2, refused=2, failed=2),
            "third-party gateway outage",
        ),
        (
            Signs(payment_healthy=False, gateway_endpoints=1, attempts=2, refused=0, failed=2),
            "payment service outage",
        ),
        (Signs(payment_healthy=True, gateway_endpoints=1, attempts=2, refused=0, failed=2), "declined cards"),
        (Signs(payment_healthy=True, gateway_endpoints=1, attempts=2, refused=0, failed=0), "nothing wrong"),
        (Signs(payment_healthy=True, gateway_endpoints=0, attempts=2, refused=1, failed=2), "unclear"),
        (Signs(payment_healthy=True, gateway_endpoints=0, attempts=0, refused=0, failed=0), "nothing tried"),
    ],
)
def test_signs_are_named(signs, named):
    assert diagnosis(signs) == named
