"""Customers are fresh, marked as the run's, and keep their secrets out of any text about them."""

from __future__ import annotations

from fixtures.customers import new_customer


def luhn_sum(digits: str) -> int:
    doubled = (int(d) * (1 + place % 2) for place, d in enumerate(reversed(digits)))
    return sum(value // 10 + value % 10 for value in doubled)


def test_no_two_customers_are_the_same():
    assert len({new_customer("Ada", "run1").username for _ in range(50)}) == 50


def test_a_card_number_looks_like_one_and_belongs_to_nobody():
    for _ in range(50):
        number = new_customer("Ada", "run1").card.number
        assert len(number) == 16
        assert number.startswith("424242")
        assert luhn_sum(number) % 10 == 0


def test_secrets_stay_out_of_the_text_about_a_customer():
    ada = new_customer("Ada", "run1")

    assert ada.password not in repr(ada)
    assert ada.card.number not in repr(ada)
    assert f"ccv={ada.card.ccv!r}" not in repr(ada)
    assert "run1" in ada.username
