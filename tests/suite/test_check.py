"""`--check` lists what a stack has and lacks, a line for each; one thing that is missing does not hide the others."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from fixtures.checking.capabilities import CALLED, READ
from fixtures.checking.needs import NEEDS
from fixtures.cluster.driver import Cluster
from fixtures.cluster.rights import Right
from fixtures.stack.profile_file import CAPABILITIES
from fixtures.waiting import eventually
from judging.refusal import Refusal
from tests.suite.imitations import TOKEN, UID, api_server, kubeconfig, nobody
from tests.suite.looking import EMBEDDED, looked
from tests.suite.runs import ROOT, Run, profile, run

LINE = re.compile(r"(found|missing|left out|not asked) +(.+?)  +(\S.*)")
SERVICES = sorted(EMBEDDED.systems["sock_shop"].services.values())


def checked(folder: Path, stack: Path | str, *options: str) -> tuple[Run, dict[str, tuple[str, str]]]:
    """A check of a stack: what was said, and each row as what → (state, the rest)."""
    done = run(folder / "out", f"--stack={stack}", "--check", "features/sock_shop", *options)
    lines = [line for line in done.out.splitlines() if LINE.fullmatch(line)]
    assert len({LINE.fullmatch(line).start(3) for line in lines}) == 1, "aligned"  # type: ignore[union-attr]
    assert "Traceback" not in done.out + done.err
    assert TOKEN not in done.out
    assert not (folder / "out").exists()
    return done, {found[2]: (found[1], found[3]) for found in map(LINE.fullmatch, lines) if found}


def test_a_stack_that_has_everything_is_found_to_and_left_as_it_is(standing: Path, tmp_path: Path):
    cluster = Cluster(standing, "", "sock-shop")
    ready = eventually("all are ready", cluster.deployments, lambda found: all(d.available for d in found), within=60)
    before = [found.version for found in ready]
    done, rows = checked(tmp_path, profile(tmp_path, standing))

    assert (done.code, done.err) == (0, ""), done.out
    assert {state for state, _ in rows.values()} == {"found"}
    assert {f"Deployment {name}" for name in SERVICES} < rows.keys()
    assert rows["Deployment payment"][1] == "1 of 1 ready, pods by name=payment"
    assert rows["may use deployments.apps"][1] == "get, list, watch, patch"
    assert re.fullmatch(r"orders-db: \d+ orders in data\.customerOrder", rows["capability order_book"][1])
    assert done.out.endswith(f"\n{len(rows)} found: every core claim can be judged\n")
    assert [found.version for found in cluster.deployments()] == before


def test_many_things_that_are_missing_are_all_told(standing: Path, tmp_path: Path):
    mistakes = (
        ('"shipping" = "shipping"', '"shipping" = "queue-master"'),
        ('"payment service" = "payment"', ""),
        ('"the shop opens" = "3 s" ', "# "),
        ("port = 27017", "port = 3306"),
        ('[sock_shop.capabilities.payment_api]\nservice = "payment"\n', ""),
        ('path = "/admin/ledger"', 'path = "/ledger"'),
        ('[sock_shop.capabilities.orders_api]\nservice = "orders"\n', ""),
        ('[sock_shop.capabilities.shipments]         # who writes down that something is shipped, and how\n'
         'service = "shipping"', '[sock_shop.capabilities.shipments]\nservice = "queue-master"'),
        (":30001", ":30002"),
    )  # fmt: skip
    done, rows = checked(tmp_path, profile(tmp_path, standing, *mistakes))
    lacking = {what: row for what, row in rows.items() if row[0] != "found"}

    assert done.code == 4
    assert {what: state for what, (state, _) in lacking.items()} == {
        'service "payment service"': "missing",
        'promise "the shop opens"': "missing",
        "Deployment queue-master": "missing",
        "pages": "missing",
        "capability order_book": "missing",
        "capability payment_api": "missing",
        "capability gateway_ledger": "left out",
        "capability orders_api": "left out",
        "capability shipments": "missing",
    }
    assert all(" → " in told for _, told in lacking.values()), "each says how to add it"
    told = {what: told for what, (_, told) in lacking.items()}
    assert "Service orders-db has ports 27017, where port 3306 is asked for" in told["capability order_book"]
    assert "GET /ledger at stripe-mock → 404" in told["capability gateway_ledger"]
    assert "UNSUPPORTED: R000_08, R000_30, R000_36, R000_45, R000_48" in told["capability gateway_ledger"]
    assert "UNSUPPORTED without it: R000_04, R000_10, R000_18a, R000_18b" in told["capability orders_api"]
    assert done.out.splitlines()[-1].endswith(" found, 7 missing, 2 left out: this stack cannot be judged")


def test_what_only_costs_some_claims_is_no_reason_to_refuse(standing: Path, tmp_path: Path):
    profile(tmp_path, standing)
    lean = tmp_path / "lean.toml"
    left_out = "ui = false\ncapabilities.planting = false\ncapabilities.shipments = false"
    lean.write_text(f'extends = "mine.toml"\n[sock_shop]\n{left_out}\n')
    good, rows = looked(lean)

    assert good
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+, through a tunnel", rows["pages"][1])
    assert {what for what, (state, _) in rows.items() if state == "left out"} == {
        "capability planting",
        "capability shipments",
    }


def test_a_pod_that_is_not_ready_is_told_with_where_to_look(tmp_path: Path):
    with api_server(waiting=["orders"]) as api:
        good, rows = looked(profile(tmp_path, kubeconfig(tmp_path, api.url)))

    assert not good
    assert rows["Deployment orders"] == (
        "missing",
        "0 of 1 ready, pods by name=orders → see: kubectl --namespace sock-shop describe deployment orders",
    )
    assert rows["Deployment payment"][0] == "found"


def test_an_account_that_may_do_too_little_is_told_each_right(tmp_path: Path):
    lacking = [Right("patch", "deployments", "apps"), Right("list", "events"), Right("get", "pods/log")]
    with api_server(lacking) as api:
        _, rows = looked(profile(tmp_path, kubeconfig(tmp_path, api.url)))

    rights = {what: row for what, row in rows.items() if what.startswith("may use")}
    assert {what.removeprefix("may use ") for what, (state, _) in rights.items() if state == "missing"} == {
        "deployments.apps",
        "events",
        "pods/log",
    }
    for right in lacking:
        assert any(f"may not {right} in" in told and right.rule in told for _, told in rights.values())


@pytest.mark.parametrize(
    ("namespace", "what", "told"),
    [
        ("production", "may be broken", "does not say that it may be broken → if it really may: kubectl label"),
        ("ending", "namespace ending", "is being deleted → wait until it is gone"),
        ("nowhere", "namespace nowhere", "no namespace nowhere in the cluster"),
        ("sock-shop", "pin", "another namespace uid, another certificate sha256 → check the kubeconfig"),
    ],
)
def test_a_namespace_that_may_not_be_judged_is_told(tmp_path: Path, namespace: str, what: str, told: str):
    (tmp_path / "kubeconfig.pin.json").write_text(
        json.dumps({"namespace": "sock-shop", "namespace_uid": "another", "certificate_sha256": "another"})
    )
    with api_server() as api:
        mine = profile(tmp_path, kubeconfig(tmp_path, api.url), ('"sock-shop"', f'"{namespace}"'))
        good, rows = looked(mine)

    assert not good
    assert rows[what][0] == "missing"
    assert told in rows[what][1]
    assert rows["API server"][0] == "found"


def test_without_an_api_server_what_needs_it_is_not_asked(tmp_path: Path):
    with nobody() as address, api_server() as shop:
        own = kubeconfig(tmp_path, f"https://{address}")
        good, rows = looked(profile(tmp_path, own, ("http://{cluster}:30001", shop.url)))

    found = {what: state for what, (state, _) in rows.items()}
    assert not good
    assert (found["API server"], found["promises"], found["pages"]) == ("missing", "found", "found")
    assert {state for what, state in found.items() if what.startswith(("may", "Dep", "Ser", "cap"))} == {"not asked"}


def test_a_stack_is_pinned_once_and_another_in_its_place_is_refused(tmp_path: Path):
    with api_server() as api:
        mine = profile(tmp_path, kubeconfig(tmp_path, api.url))
        pinned = run(tmp_path / "out", f"--stack={mine}", "--pin")
        pin = json.loads((tmp_path / "kubeconfig.pin.json").read_text())
        _, rows = looked(mine)
        api.uid = UID.replace("1", "2")
        another = run(tmp_path / "out", f"--stack={mine}")

    assert (pinned.code, pin["namespace_uid"]) == (0, UID), pinned.err
    assert rows["pin"] == ("found", f"this namespace, {UID}")
    assert another.code == 6
    assert another.err.startswith("E-PINNED namespace sock-shop is not the pinned one: another namespace uid")


@pytest.mark.parametrize(("namespace", "code"), [("production", 6), ("ending", 4), ("nowhere", 4)])
def test_a_namespace_that_may_not_be_judged_is_not_pinned(tmp_path: Path, namespace: str, code: int):
    with api_server() as api, pytest.raises(Refusal) as refused:
        Cluster(kubeconfig(tmp_path, api.url), "", namespace).pin()

    assert refused.value.exit_code == code


def test_what_the_suite_needs_of_a_system_the_reference_stack_has():
    assert set(NEEDS) == set(EMBEDDED.systems) == set(CAPABILITIES)
    for name, needs in NEEDS.items():
        system = EMBEDDED.systems[name]
        assert {*needs.services} <= system.services.keys()
        assert {*needs.promises} == system.promises.keys()
        assert {*needs.capabilities} <= system.capabilities.keys()


def test_every_capability_that_may_be_declared_can_be_looked_for():
    assert CALLED.keys() | READ.keys() == {name for known in CAPABILITIES.values() for name in known}


def test_the_suite_asks_for_no_promise_and_no_word_that_is_not_checked():
    modules = {*(ROOT / "fixtures").rglob("*.py")} - {*(ROOT / "fixtures" / "checking").iterdir()}
    suite = "".join(path.read_text() for path in modules)
    features = "".join(path.read_text() for path in (ROOT / "features").rglob("*.feature"))
    asked = set(re.findall(r'promise(?:\(|=)"([^"]+)"', suite))
    words = set(re.findall(r"the (payment gateway|payment database|\w+ service) (?:was|goes|comes|stayed)", features))
    promises = {promise for needs in NEEDS.values() for promise in needs.promises}
    services = {service for needs in NEEDS.values() for service in needs.services}

    assert asked <= promises
    assert not [promise for promise in promises if f'"{promise}"' not in suite]
    assert words <= services
    assert not [service for service in services - words if f'"{service}"' not in suite]
