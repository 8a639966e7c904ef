"""The gateway against Stripe's own client: what that understands is what the shop's gateway speaks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from tests.reference.processes import Shop

VISA = {"amount": 1899, "currency": "usd", "source": "tok_visa"}


@pytest.fixture
def client(shop: Shop) -> stripe.StripeClient:
    return connect(shop)


def connect(shop: Shop, key: str = "sk_test_mock") -> stripe.StripeClient:
    return stripe.StripeClient(key, base_addresses={"api": shop.url("stripe-mock")}, max_network_retries=0)


def test_a_charge_is_made_found_and_in_the_ledger(shop: Shop, client: stripe.StripeClient):
    made = client.v1.charges.create(VISA | {"metadata": {"order": "o1"}})
    assert (made.paid, made.status, made.livemode, made.amount) == (True, "succeeded", False, 1899)
    assert client.v1.charges.retrieve(made.id).metadata["order"] == "o1"
    entry = shop.call("GET", "stripe-mock", "/admin/ledger").json()[-1]
    assert entry == {
        "id": made.id, "amount": 1899, "currency": "usd", "created": made.created,
        "idempotency_key": entry["idempotency_key"], "metadata": {"order": "o1"},
    }  # fmt: skip


def test_charges_are_listed_newest_first_a_page_at_a_time(client: stripe.StripeClient):
    made = [client.v1.charges.create(VISA).id for _ in range(3)]
    page = client.v1.charges.list({"limit": 2})
    assert [charge.id for charge in page.data] == made[:0:-1]
    assert page.has_more
    assert client.v1.charges.list({"limit": 1, "starting_after": made[1]}).data[0].id == made[0]


def test_a_key_charges_once_replays_and_refuses_other_parameters(shop: Shop, client: stripe.StripeClient):
    before = len(shop.call("GET", "stripe-mock", "/admin/ledger").json())
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: client.v1.charges.create(VISA, {"idempotency_key": "k1"}), range(4)))
    assert len({charge.id for charge in made}) == 1
    assert sorted(c.last_response.headers.get("Idempotent-Replayed", "") for c in made) == ["", "true", "true", "true"]
    with pytest.raises(stripe.IdempotencyError):
        client.v1.charges.create(VISA | {"amount": 2000}, {"idempotency_key": "k1"})
    assert len(shop.call("GET", "stripe-mock", "/admin/ledger").json()) == before + 1


def test_the_book_survives_the_gateway(shop: Shop, client: stripe.StripeClient):
    made = client.v1.charges.create(VISA, {"idempotency_key": "k2"})
    shop.again("stripe-mock")
    again = client.v1.charges.create(VISA, {"idempotency_key": "k2"})
    assert again.id == made.id
    assert [entry["id"] for entry in shop.call("GET", "stripe-mock", "/admin/ledger").json()].count(made.id) == 1


def test_a_declined_card_is_a_card_error_and_no_entry(shop: Shop, client: stripe.StripeClient):
    before = shop.call("GET", "stripe-mock", "/admin/ledger").json()
    for _ in range(2):
        with pytest.raises(stripe.CardError, match="declined") as refused:
            client.v1.charges.create(VISA | {"source": "tok_chargeDeclined"}, {"idempotency_key": "k3"})
        assert (refused.value.code, refused.value.http_status) == ("card_declined", 402)
    assert shop.call("GET", "stripe-mock", "/admin/ledger").json() == before


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"amount": None}, "amount"),
        ({"amount": "ten"}, "amount"),
        ({"amount": 10}, "amount"),
        ({"amount": 10**20}, "amount"),
        ({"currency": "dollars"}, "currency"),
        ({"source": "tok_none"}, "source"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_charge_is_an_invalid_request_that_names_the_parameter(
    client: stripe.StripeClient, change: dict, param: str
):
    form = {key: value for key, value in (VISA | change).items() if value is not None}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.charges.create(form)
    assert refused.value.param == param


def test_unknown_charges_pages_and_places_are_refused_as_stripe_does(shop: Shop, client: stripe.StripeClient):
    with pytest.raises(stripe.InvalidRequestError, match="No such charge"):
        client.v1.charges.retrieve("ch_none")
    with pytest.raises(stripe.InvalidRequestError, match="limit"):
        client.v1.charges.list({"limit": 1000})
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL"):
        client.raw_request("get", "/v1/refunds")


def test_only_test_keys_are_taken(shop: Shop):
    for key in ("sk_live_1", "rubbish"):
        with pytest.raises(stripe.AuthenticationError):
            connect(shop, key).v1.charges.create(VISA)


def test_it_says_that_it_is_a_fake(shop: Shop):
    about = shop.call("GET", "stripe-mock", "/")
    assert about.json()["livemode"] is False
    assert (
        about.headers["Fake-Gateway"]
        == shop.call("POST", "stripe-mock", "/v1/charges").headers["Fake-Gateway"]
        == "livemode=false"
    )


@pytest.mark.parametrize(
    ("mode", "error"), [("503", stripe.APIError), ("429", stripe.RateLimitError), ("decline", stripe.CardError)]
)
def test_a_mode_is_an_error_that_the_client_knows_and_leaves_nothing_behind(
    shop: Shop, mode: str, error: type[Exception]
):
    shop.again("stripe-mock", GATEWAY_MODE=mode)
    with pytest.raises(error):
        connect(shop).v1.charges.create(VISA, {"idempotency_key": f"mode-{mode}"})
    shop.again("stripe-mock")
    assert connect(shop).v1.charges.create(VISA, {"idempotency_key": f"mode-{mode}"}).paid


def test_a_slow_gateway_charges_late(shop: Shop):
    shop.again("stripe-mock", GATEWAY_MODE="slow", GATEWAY_DELAY="0.4")
    made = connect(shop).v1.charges.create(VISA)
    assert made.paid
