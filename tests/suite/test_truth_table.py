"""The cell that contradicts the books is the finding, and no other cell is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from fixtures.evidence.truth_table import as_text, row, says, true_label
from fixtures.records import Order

NOW = datetime(2026, 1, 1, 10, tzinfo=UTC)
FAILED = Order("690e1824143eb600010c78f9", "PAYMENT_FAILED", 22.99, False, NOW, {})


@pytest.mark.parametrize(
    ("status", "shipped", "label"),
    [
        ("PAID", True, "shipped"),
        ("PAID", False, "paid"),
        ("PAYMENT_FAILED", False, "payment failed"),
        ("SHIPPED", True, "shipped"),
        ("DELIVERED", True, "delivered"),
        ("CANCELLED", False, "cancelled"),
        ("CREATED", False, "created"),
        ("", False, "unknown"),
    ],
)
def test_every_state_has_one_true_wording(status, shipped, label):
    assert true_label(status, shipped) == label


@pytest.mark.parametrize("label", ["Payment failed", "payment_failed", " PAYMENT FAILED "])
def test_a_wording_may_be_spelled_freely(label):
    assert says(label, "PAYMENT_FAILED", False)


@pytest.mark.parametrize("label", ["Shipped", "shipped", "Failed to ship", ""])
def test_a_failed_order_is_never_shipped(label):
    assert not says(label, "PAYMENT_FAILED", False)


def test_only_the_disagreeing_cell_is_named():
    table = row(FAILED, {"list page": ("Shipped", NOW, False), "ledger": ("no charge", NOW, True)}, NOW)

    assert [cell.source for cell in table.disagreeing()] == ["list page"]
    assert table.disagreeing("ledger") == ()


def test_the_text_marks_what_disagrees():
    books, page, ledger = as_text(
        [
            row(FAILED, {"list page": ("Shipped", NOW, False)}, NOW),
            row(replace(FAILED, id="690e1824143eb600010c7900"), {"ledger": ("no charge", NOW, True)}, NOW),
        ]
    )

    assert books["said by"] == "database"
    assert books["order 0c78f9"] == "PAYMENT_FAILED (10:00:00.000)"
    assert page == {"said by": "list page", "order 0c78f9": "✗ Shipped (10:00:00.000)", "order 0c7900": "–"}
    assert ledger["order 0c7900"] == "no charge (10:00:00.000)"
