"""A profile is read strictly: every mistake is answered with the file, the key and the allowed ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.stack.profile import find_profile, load_profile
from judging.findings import Unsupported
from judging.refusal import Refusal

SHIPMENTS = """
namespace = "shop"
kubeconfig = "x"
[sock_shop.capabilities.shipments]
service = "shipping"
pattern = "Received shipment task: {customer}"
"""
ROOT = Path(__file__).parents[2]
GOOD = """
title = "Mine"
namespace = "shop"
kubeconfig = "~/.kube/config"
[sock_shop]
ui = "http://127.0.0.1:2025"
closed = ["PAID"]
[sock_shop.services]
"payment gateway" = "stripe-mock"
[sock_shop.promises]
"the shop opens" = "800 ms"
"a service is back" = "2 min"
[sock_shop.capabilities.order_book]
service = "orders-db"
database = "data"
collection = "customerOrder"
port = 27017
"""


def profile(folder: Path, text: str, name: str = "mine.toml"):
    path = folder / name
    path.write_text(text)
    return load_profile(path)


def test_a_good_profile_is_read_whole(tmp_path):
    mine = profile(tmp_path, GOOD)

    shop = mine.systems["sock_shop"]
    assert (mine.name, mine.namespace) == ("mine", "shop")
    assert shop.promise("the shop opens") == 0.8
    assert shop.promise("a service is back") == 120
    assert shop.capabilities["order_book"].port == 27017
    assert shop.service("payment gateway") == "stripe-mock"


@pytest.mark.parametrize("shipped", sorted((ROOT / "stacks").glob("*.toml")), ids=lambda path: path.stem)
def test_every_profile_in_stacks_can_be_read(shipped):
    assert load_profile(shipped).systems


def test_what_extends_another_keeps_the_rest_of_it(tmp_path):
    profile(tmp_path, GOOD)
    other = profile(tmp_path, 'extends = "mine.toml"\ntitle = "Other"', "other.toml")

    assert other.title == "Other"
    assert other.systems["sock_shop"].ui == "http://127.0.0.1:2025"


def test_what_extends_another_replaces_single_keys_and_leaves_out_what_is_false(tmp_path):
    profile(tmp_path, GOOD)
    other = profile(
        tmp_path,
        """extends = "mine.toml"
        [sock_shop.promises]
        "the shop opens" = "3 s"
        [sock_shop.capabilities]
        order_book = false""",
        "other.toml",
    )

    shop = other.systems["sock_shop"]
    assert shop.promises == {"the shop opens": 3, "a service is back": 120}
    assert shop.capabilities == {}
    assert shop.services == {"payment gateway": "stripe-mock"}


def test_what_extends_another_may_be_reached_otherwise(tmp_path):
    profile(tmp_path, GOOD.replace("kubeconfig =", 'context = "theirs"\nkubeconfig ='))
    started = profile(tmp_path, 'extends = "mine.toml"\nstart = ["{python}"]', "started.toml")
    standing = profile(tmp_path, 'extends = "started.toml"\nkubeconfig = "here"', "standing.toml")

    assert (started.start, started.kubeconfig, started.context) == (("{python}",), "", "")
    assert (standing.start, standing.kubeconfig) == ((), f"{tmp_path}/here")


def test_a_kubeconfig_is_found_from_the_profile_on(tmp_path, monkeypatch):
    monkeypatch.setenv("STACK", "theirs")

    def kubeconfig(path: str) -> str:
        return profile(tmp_path, GOOD.replace("~/.kube/config", path)).kubeconfig

    assert kubeconfig("../here/config") == f"{tmp_path.parent}/here/config"
    assert kubeconfig("$STACK/config") == f"{tmp_path}/theirs/config"
    assert kubeconfig("~/config") == str(Path.home() / "config")


@pytest.mark.parametrize(
    ("wrong", "cause", "remedy"),
    [
        (GOOD.replace("namespace", "namespaces"), "unknown key 'namespaces'", "did you mean 'namespace'"),
        (GOOD.replace("ui =", "url ="), "unknown key 'url'", "ui"),
        (GOOD.replace("800 ms", "soon"), "'soon' is no duration", "30 s"),
        (GOOD.replace("port = 27017", 'port = "27017"'), "wrong type", "stacks/README.md"),
        (GOOD.replace('kubeconfig = "~/.kube/config"', ""), "needs either start or kubeconfig", "keep one"),
        (GOOD + "[sock_shop", "cannot be read", "examples"),
        ('namespace = "shop"\nkubeconfig = "x"', "describes no system", "[sock_shop]"),
        ('extends = "gone.toml"', "extends 'gone.toml'", "beside it"),
        ('extends = "mine.toml"', "comes back to itself", "circle"),
        (GOOD.replace(".order_book", ".orderbook"), "unknown key 'orderbook'", "did you mean 'order_book'"),
        (GOOD.replace("collection =", "path ="), "order_book has no collection", 'add collection = "…"'),
        (SHIPMENTS.replace("{customer}", "{24}"), "has more in braces than {customer}", "write {customer}"),
        (GOOD.replace(":2025", ":{port}"), "http://127.0.0.1:{port}", "write {cluster}"),
        (GOOD.replace("2025", "2025/{"), "more in braces", "write {cluster}"),
        (GOOD.replace('kubeconfig = "~/.kube/config"', 'start = ["{pyton}"]'), "{pyton}", "{python} or {kubeconfig}"),
    ],
)
def test_a_mistake_is_answered_with_cause_and_remedy(tmp_path, wrong, cause, remedy):
    with pytest.raises(Refusal) as refused:
        profile(tmp_path, wrong)

    assert refused.value.error_id == "E-PROFILE"
    assert cause in refused.value.cause
    assert remedy in refused.value.remedy
    assert refused.value.exit_code == 4


def test_an_unknown_word_is_answered_with_the_known_ones(tmp_path):
    shop = profile(tmp_path, GOOD).systems["sock_shop"]

    with pytest.raises(Refusal, match="payment gatway"):
        shop.service("payment gatway")


def test_an_unknown_stack_is_answered_with_the_known_ones(tmp_path):
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "kind.toml").write_text("")

    with pytest.raises(Refusal) as refused:
        find_profile(tmp_path, "knid")

    assert refused.value.error_id == "E-PROFILE-MISSING"
    assert "kind" in refused.value.remedy


def test_a_capability_that_is_not_declared_is_unsupported(tmp_path):
    shop = profile(tmp_path, GOOD).systems["sock_shop"]

    assert shop.capability("order_book").service == "orders-db"
    with pytest.raises(Unsupported, match=r"sock_shop\.capabilities\.shipments"):
        shop.capability("shipments")
