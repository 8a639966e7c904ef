"""A profile is read strictly: every mistake is answered with the file, the key and the allowed ones."""

from __future__ import annotations

import re
import shutil
import textwrap
from pathlib import Path

import pytest

from fixtures.stack.profile_file import find_profile, load_profile
from judging.findings import Unsupported
from judging.refusal import Refusal

SHIPMENTS = """
namespace = "shop"
kubeconfig = "x"
[sock_shop.capabilities.shipments]
service = "shipping"
pattern = "Received shipment task: {customer}"
"""
GATEWAY = r"""
namespace = "shop"
start = ["{python}", "{variants}"]
[otp_gateway]
variant = "otp-fixed"
ui = "http://{cluster}:30002"
api = "http://{cluster}:30003"
[otp_gateway.capabilities.audit_logging]
service = "payment-backend"
variable = "DATABASE_MODULE"
value = "audit"
[otp_gateway.capabilities.payment_records]
service = "payment-mongodb"
database = "payment_db"
[otp_gateway.capabilities.write_marks]
service = "payment-backend"
pattern = 'payment (?P<payment>\S+): (?P<began>\S+) (?P<ms>[\d.]+) (?P<at_once>\d+)'
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


def test_the_second_system_is_read_whole(tmp_path):
    gateway = profile(tmp_path, GATEWAY).systems["otp_gateway"]

    assert gateway.addresses == ("http://{cluster}:30002", "http://{cluster}:30003")
    audit = gateway.capability("audit_logging")
    assert (gateway.variant, audit.variable, audit.value, audit.image) == ("otp-fixed", "DATABASE_MODULE", "audit", "")
    assert gateway.capability("payment_records").database == "payment_db"
    assert "(?P<ms>" in gateway.capability("write_marks").pattern


def test_only_what_is_declared_is_an_address(tmp_path):
    assert profile(tmp_path, GOOD).systems["sock_shop"].addresses == ("http://127.0.0.1:2025",)
    assert profile(tmp_path, SHIPMENTS).systems["sock_shop"].addresses == ()


def test_a_change_may_be_another_image_instead(tmp_path):
    profile(tmp_path, GATEWAY)
    change = 'variable = false\nvalue = false\nimage = "mine:audit"'
    text = f'extends = "mine.toml"\n[otp_gateway.capabilities.audit_logging]\n{change}'

    audit = profile(tmp_path, text, "other.toml").systems["otp_gateway"].capability("audit_logging")
    assert (audit.service, audit.image, audit.variable) == ("payment-backend", "mine:audit", "")


def test_what_extends_another_may_leave_out_a_system(tmp_path):
    profile(tmp_path, GOOD + "[otp_gateway]")
    one = profile(tmp_path, 'extends = "mine.toml"\nsock_shop = false', "one.toml")

    assert list(one.systems) == ["otp_gateway"]


def test_the_shipped_profiles_say_which_systems_they_have():
    systems = {path.stem: [*load_profile(path).systems] for path in (ROOT / "stacks").glob("*.toml")}

    assert systems.pop("faithful") == systems.pop("kind-faithful") == ["otp_gateway"]
    assert set(systems) == {"embedded", "fixed", "kind", "kind-fixed"}
    assert all(each == ["sock_shop", "otp_gateway"] for each in systems.values())


def test_the_profiles_on_the_page_can_be_read(tmp_path):
    shutil.copy(ROOT / "stacks" / "embedded.toml", tmp_path)
    page = (ROOT / "stacks" / "README.md").read_text()
    blocks = [textwrap.dedent(block) for block in re.findall(r"(?:^ {4,}\S.*\n)+", page, re.MULTILINE)]
    told = [profile(tmp_path, block) for block in blocks if re.search("^(extends|title) =", block)]

    assert [[*each.systems] for each in told] == [["sock_shop"], ["otp_gateway"]]
    assert told[0].systems["sock_shop"].capability("shipments").service == "queue-master"
    assert told[1].systems["otp_gateway"].capability("audit_logging").image


@pytest.mark.parametrize("name", ["fixed", "faithful"])
def test_on_kind_the_same_is_judged_with_the_same_known_bugs(name):
    here, kind = (load_profile(ROOT / "stacks" / f"{each}.toml") for each in (name, f"kind-{name}"))

    assert (kind.systems, kind.baseline) == (here.systems, here.baseline)
    assert (kind.start, kind.kubeconfig) == ((), load_profile(ROOT / "stacks" / "kind.toml").kubeconfig)


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
        (
            GOOD.replace("[sock_shop]", "sock_chop = false\n[sock_shop]"),
            "unknown key 'sock_chop'",
            "did you mean 'sock",
        ),
        (GOOD.replace("[sock_shop]", "otp_gateway = false\n[sock_shop]"), "what it extends has it not", "allowed"),
        (GOOD + "[otp_gatway]", "unknown key 'otp_gatway' at the top", "did you mean 'otp_gateway'"),
        ("otp_gateway = 3\n" + GOOD, "otp_gateway is not a table", "write [otp_gateway]"),
        (GATEWAY.replace("payment_records]", "order_book]"), "'order_book' in [otp_gateway.capabilities]", "planting"),
        (GATEWAY.replace("api =", "apis ="), "unknown key 'apis'", "did you mean 'api'"),
        (GATEWAY.replace(":30003", ":{port}"), "api = 'http://{cluster}:{port}'", "write {cluster}"),
        (GATEWAY.replace('variant = "otp-fixed"', ""), "[otp_gateway] has no variant", 'add variant = "…"'),
        (GATEWAY.replace('"{variants}"', '"--variant={variants}"'), "has more than {variants}", "word of its own"),
        (GATEWAY.replace("audit_logging]", "audit_loging]"), "unknown key 'audit_loging'", "'audit_logging'"),
        (GATEWAY.replace('value = "audit"', ""), "neither a variable with its value nor an image", "or image ="),
        (GATEWAY.replace("value =", "image ="), "neither a variable with its value nor an image", "or image ="),
        (GATEWAY.replace('value = "audit"', "value = 1"), "audit_logging.value = 1 has the wrong type", "README"),
        (GATEWAY.replace("database =", "path ="), "payment_records has no database", 'add database = "…"'),
        (GATEWAY.replace("pattern =", "path ="), "write_marks has no pattern", 'add pattern = "…"'),
        (GATEWAY.replace("(?P<ms>", "("), "has no group 'ms'", "write (?P<ms>…)"),
        (GATEWAY.replace("(?P<ms>", "?(?P<ms>*"), "is no regular expression", "stacks/README.md"),
        (GATEWAY.replace("payment (", "payment {id} ("), "has something in braces", "take them out"),
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
