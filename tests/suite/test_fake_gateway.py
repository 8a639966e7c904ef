"""Nothing is ordered, and nothing broken, where the payment gateway may be a real one."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from fixtures.apis import fake_gateway
from fixtures.apis.fake_gateway import FakeGateway
from fixtures.cluster.driver import Cluster
from fixtures.cluster.tunnel import open_tunnels
from fixtures.faults.outage import Outage
from fixtures.stack.profile import System
from fixtures.stack.profile_file import load_profile
from fixtures.waiting import eventually
from judging.refusal import Refusal
from tests.suite.imitations import api_server, kubeconfig, nobody
from tests.suite.runs import FEATURE, ROOT, profile, run

PAYMENT, VARIABLE = "payment", "PAYMENT_GATEWAY_URL"
SYSTEM = System("sock_shop", services={"payment service": "pay", "payment gateway": "stripe-mock"})
CHARGE = '{{"object": "list", "data": [{{"object": "charge", "livemode": {}}}]}}'
SETTLED_WITHIN = 30  # seconds


def cluster_of(*urls: str, **service: object) -> SimpleNamespace:
    """A cluster whose payment service has these in its variables."""
    env = [{"name": f"URL_{number}", "value": url} for number, url in enumerate(urls)]
    env += [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}, {"name": "EMPTY"}]
    record = {"spec": {"template": {"spec": {"containers": [{"name": "proxy"}, {"name": "pay", "env": env}]}}}}
    return SimpleNamespace(
        namespace="shop",
        deployment=lambda name: SimpleNamespace(record=record),
        service=lambda name: {"selector": {"name": name}, "ports": [{"port": 80}], **service},
    )


@contextmanager
def gateway(status: int, text: str) -> Iterator[tuple[str, int, list[str]]]:
    """Something that answers so: its host and port, and the keys that it was asked with."""
    keys: list[str] = []

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            keys.append(f"{self.path} {self.headers['Authorization']}")
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield "127.0.0.1", server.server_address[1], keys
        server.shutdown()


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://stripe-mock", 80),
        ("http://stripe-mock:12111/", 12111),
        ("http://stripe-mock.shop", 80),
        ("https://stripe-mock.shop.svc.cluster.local.", 443),
    ],
)
def test_a_gateway_of_the_namespace_is_one_that_may_be_a_fake(url: str, port: int):
    cluster = cluster_of(
        "http://zipkin:9411", url, "http://zipkin.tracing.svc:9411", "http://$(A_HOST):$(A_PORT)", "amqp://mq.example"
    )

    assert FakeGateway(SYSTEM, cluster, None).must_be_called() == port


@pytest.mark.parametrize(
    ("cluster", "why"),
    [
        (cluster_of("https://api.stripe.com"), "URL_0 of pay leads to api.stripe.com"),
        (cluster_of("http://stripe-mock", "https://me:hunter2@pay.example"), "URL_1 of pay leads to pay.example"),
        (cluster_of("http://54.187.174.169"), "leads to 54.187.174.169"),
        (cluster_of("http://stripe-mock.other"), "leads to stripe-mock.other"),
        (cluster_of("http://stripe-mock.other.svc"), "no variable of pay says that it calls stripe-mock"),
        (cluster_of("http://stripe"), "no variable of pay says that it calls stripe-mock"),
        (cluster_of(), "no variable of pay says that it calls stripe-mock"),
        (cluster_of("http://stripe-mock", selector=None), "Service stripe-mock has no pods of its own"),
        (cluster_of("http://stripe-mock", selector=None, ports=None, type="ExternalName"), "has no pods of its own"),
    ],
)
def test_what_leads_elsewhere_is_refused(cluster: SimpleNamespace, why: str):
    with pytest.raises(Refusal, match=why) as refused:
        FakeGateway(SYSTEM, cluster, None).must_be_called()

    assert (refused.value.error_id, refused.value.exit_code) == ("E-GATEWAY", 6)
    assert "http://stripe-mock, a Service of namespace shop" in refused.value.remedy
    assert "hunter2" not in str(refused.value)


def test_a_gateway_that_takes_a_key_nobody_has_issued_is_a_fake():
    with gateway(200, CHARGE.format("false")) as (host, port, keys):
        asked: list[tuple[str, int]] = []
        found = FakeGateway(SYSTEM, cluster_of("http://stripe-mock"), lambda *at: asked.append(at) or (host, port))

        assert found.must_be_fake().endswith("→ 200")
        found.must_be_fake()
    assert asked[0] == ("stripe-mock", 80)
    assert len({*keys}) == 2
    assert all(key.startswith("/v1/charges?limit=1 Bearer sk_test_") for key in keys)


@pytest.mark.parametrize(
    ("status", "text", "why"),
    [
        (401, '{"error": {"type": "invalid_request_error"}}', "→ 401"),
        (404, "no such page", "→ 404"),
        (200, CHARGE.format("true"), "→ 200, of live charges"),
        (200, CHARGE.format("true").replace(": true", ":true"), "→ 200, of live charges"),
        (503, "", "does not answer: 503"),
    ],
)
def test_any_other_may_be_a_real_one(status: int, text: str, why: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fake_gateway, "ANSWERED_WITHIN", 0.2)
    with gateway(status, text) as (host, port, _), pytest.raises(Refusal, match=why) as refused:
        FakeGateway(SYSTEM, cluster_of("http://stripe-mock"), lambda *at: (host, port)).must_be_fake()

    assert (refused.value.error_id, refused.value.exit_code) == ("E-GATEWAY", 6)


def test_one_that_is_not_there_may_be_a_real_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fake_gateway, "ANSWERED_WITHIN", 0.2)
    with nobody() as place:
        asked = FakeGateway(SYSTEM, cluster_of("http://stripe-mock"), lambda *at: place.split(":"))
        with pytest.raises(Refusal, match="does not answer: ConnectionError"):
            asked.must_be_fake()


def test_the_condition_is_asked_at_every_write_and_not_when_a_fault_is_taken_back(tmp_path: Path):
    def refuse() -> None:
        raise Refusal("E-GATEWAY", "it may be a real one", "take a fake", 6)

    with api_server() as api:
        cluster = Cluster(kubeconfig(tmp_path, api.url), "", "sock-shop")
        outage = Outage(cluster, "gateway", "stripe-mock", "run-1", str, gone=1, back=1, answering=1)
        cluster.permit_only_if(refuse)
        with pytest.raises(Refusal, match="may be a real one"):
            outage.apply()
        assert "PATCH" not in api.asked
        assert cluster.put_back("stripe-mock", {}, "1")
        assert "PATCH" in api.asked


@pytest.fixture
def calling(standing: Path) -> Iterator[Callable[[str], None]]:
    """Has the running shop's payment service call another gateway; afterwards it calls its own again."""
    cluster = Cluster(standing, "", "sock-shop")
    before = cluster.deployment(PAYMENT).record["spec"]["template"]["spec"]["containers"]

    def write(containers: list[dict]) -> None:
        change = {"spec": {"template": {"spec": {"containers": containers}}}}
        eventually(
            "it is written", lambda: cluster.put_back(PAYMENT, change, cluster.deployment(PAYMENT).version), within=5
        )
        eventually(
            "it is ready", lambda: cluster.deployment(PAYMENT), lambda found: found.available, within=SETTLED_WITHIN
        )

    def call(url: str) -> None:
        changed = json.loads(json.dumps(before))
        [entry] = [entry for entry in changed[0]["env"] if entry["name"] == VARIABLE]
        entry["value"] = url
        write(changed)

    yield call
    write(before)


def test_the_running_shops_gateway_is_shown_to_be_a_fake(standing: Path):
    cluster = Cluster(standing, "", "sock-shop")
    system = load_profile(ROOT / "stacks" / "embedded.toml").systems["sock_shop"]
    eventually(
        "the gateway is up", lambda: cluster.deployment("stripe-mock").available, within=SETTLED_WITHIN
    )  # fmt: skip

    with open_tunnels(cluster) as tunnels:
        assert FakeGateway(system, cluster, tunnels).must_be_fake().endswith("→ 200")


def test_a_shop_whose_payments_leave_the_cluster_is_left_alone(tmp_path: Path, standing: Path, calling):
    calling("https://payments.example.invalid")
    ended = run(tmp_path / "out", f"--stack={profile(tmp_path, standing)}", FEATURE)

    assert ended.code == 6, ended.out + ended.err
    assert f"E-GATEWAY the payment gateway has not been shown to be a fake: {VARIABLE} of payment leads to" in (
        ended.out + ended.err
    )
    assert ended.phases == []
    assert not [event for event in ended.journal if event["event"] == "observation"]
    assert "/paymentAuth" not in (ended.reports / "journal.jsonl").read_text()
