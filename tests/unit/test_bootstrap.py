"""Which store and which queue an environment names, and that they are reached as it says."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from handler import bootstrap
from handler.core.errors import SettingsError
from handler.core.model.row import Group
from handler.core.ports.queue import Message, Queue
from handler.ledgers.redis.rows import ROW_FIELDS
from handler.triggers.http.auth import Bearer, Platform
from handler.triggers.http.webhook_signature import Signature
from tests.integration.byte_server import ByteServer, Exchange, answering, http
from tests.integration.wire import forget_environment
from tests.sandbox.environment import sandboxed_environment
from tests.unit.ledgers.redis.played_redis import NOTHING, PlayedRedis, number, several, text
from tests.unit.missing import leave_out

NOBODY = "http://127.0.0.1:9"
"""An endpoint where nobody listens: nothing here needs the API."""

GROUP = Group(1_400_000_000, "room")
REGION = "eu-west-1"
NO_ROW = several(*[NOTHING] * len(ROW_FIELDS))
PAGES = [Message("a page")]


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The variables of a function in the sandbox, and a cold instance."""
    forget_environment(monkeypatch)
    for name in ("AWS_REGION", "TENCENTCLOUD_REGION", "TENCENT_CKAFKA_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    role = {"TENCENTCLOUD_SECRETID": "made-up", "TENCENTCLOUD_SECRETKEY": "made-up"}
    keys = {"AWS_ACCESS_KEY_ID": "made-up", "AWS_SECRET_ACCESS_KEY": "made-up", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in {**sandboxed_environment(NOBODY, tmp_path), **role, **keys}.items():
        monkeypatch.setenv(name, value)
    bootstrap.reset()
    yield monkeypatch
    bootstrap.reset()


def load() -> object:
    """The row of a group in the store that the environment names."""
    return bootstrap.app_context().instance.ledger.load(GROUP)


def test_a_redis_url_leads_to_its_server(environment: pytest.MonkeyPatch) -> None:
    """With the parked records in the same one, and what its parameters ask for."""
    with PlayedRedis({"HMGET": [NO_ROW], "WAIT": [number(1)], "EVALSHA": [NOTHING], "HGET": [NOTHING]}) as server:
        environment.setenv("LEDGER_URL", f"{server.endpoint.url}?wait=1")
        service = bootstrap.app_context()
        server.told.clear()
        assert (load(), service.notes.noted(GROUP.app, "a")) == (None, None)
        assert server.names == ["HMGET", "SET", "WAIT", "HGET"]
        service.instance.ledger.close()  # type: ignore[attr-defined]  # only tests let go of a ledger


def test_a_redis_url_of_a_cluster_leads_to_the_server_that_has_the_group(environment: pytest.MonkeyPatch) -> None:
    says = {"HMGET": [NO_ROW], "HGET": [NOTHING]}
    with PlayedRedis() as entry, PlayedRedis(says) as primary:
        address = several(text("127.0.0.1"), number(primary.server_port))
        layout = several(several(number(0), number(16383), address))
        for server in (entry, primary):
            server.says["CLUSTER"] = [layout]
        environment.setenv("LEDGER_URL", f"{entry.endpoint.url}?cluster=true")
        assert load() is None
        assert (entry.names, primary.names[-1]) == (["CLUSTER"], "HMGET")
        bootstrap.app_context().instance.ledger.close()  # type: ignore[attr-defined]  # only tests let go of a ledger


def test_what_a_redis_server_does_not_tell_is_in_the_log(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with PlayedRedis({"INFO server": [text("")], "HMGET": [NO_ROW], "HGET": [NOTHING]}) as server:
        environment.setenv("LEDGER_URL", server.endpoint.url)
        load()
        bootstrap.app_context().instance.ledger.close()  # type: ignore[attr-defined]  # only tests let go of a ledger
    [line] = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "run_id" in line]
    assert line["level"] == "WARNING"


def target(request: bytes) -> tuple[str, str]:
    """The action of a request to AWS, and the region that it is signed for."""
    head = request.partition(b"\r\n\r\n")[0].decode()
    headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
    named = {name.lower(): value for name, value in headers.items()}
    return named["x-amz-target"].partition(".")[2], named["authorization"].split("/")[2]


@pytest.mark.parametrize(
    ("parameters", "platform", "region"),
    [
        ("&region=ap-south-1", {"AWS_REGION": REGION}, "ap-south-1"),
        ("", {"AWS_REGION": REGION}, REGION),
        ("", {}, "us-east-1"),
    ],
)
def test_a_dynamodb_url_leads_to_its_table_in_its_region(
    environment: pytest.MonkeyPatch, parameters: str, platform: dict[str, str], region: str
) -> None:
    """Without one in the URL, in that of the function, and else as the SDK finds it anywhere."""
    with ByteServer(answering(http(b"{}"))) as server:
        for name, value in platform.items():
            environment.setenv(name, value)
        environment.setenv("LEDGER_URL", f"dynamodb://counters?endpoint=http://{server.address}{parameters}")
        assert load() is None
        bootstrap.app_context().instance.ledger.close()  # type: ignore[attr-defined]  # only tests let go of a ledger
    request = server.requests[-1]
    assert target(request) == ("GetItem", region)
    assert json.loads(request.partition(b"\r\n\r\n")[2])["TableName"] == "counters"


@contextmanager
def ledger_url(kind: str) -> Iterator[str]:
    """The address of a store that has nothing, or of a file."""
    if kind == "redis":
        with PlayedRedis({"HMGET": [NO_ROW]}) as redis:
            yield redis.endpoint.url
    else:
        with ByteServer(answering(http(b"{}"))) as dynamodb:
            yield f"dynamodb://counters?endpoint=http://{dynamodb.address}&region={REGION}"


@pytest.mark.parametrize("kind", ["redis", "dynamodb", "sqlite"])
def test_each_round_trip_to_the_ledger_is_measured(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    with ExitStack() as stores:
        if kind != "sqlite":
            environment.setenv("LEDGER_URL", stores.enter_context(ledger_url(kind)))
        load()
        capsys.readouterr()
        with bootstrap.reports().during({}):
            load()
        bootstrap.app_context().instance.ledger.close()  # type: ignore[attr-defined]  # only tests let go of a ledger
    [line] = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    [latency] = line["ledger_latency_s"][-1:]
    assert 0 < latency < 10


QUEUE = "/123456789012/pages"


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("LEDGER_URL", "redis://:hunter2@cache.invalid"),
        ("LEDGER_URL", "env:LEDGER"),
        ("LEDGER_URL", "dynamodb://counters?endpoint=http://10.0.0.1:8000"),
        ("FAN_OUT_QUEUE", f"http://10.0.0.1{QUEUE}"),
    ],
)
def test_a_store_or_a_queue_in_clear_text_is_on_the_machine(
    environment: pytest.MonkeyPatch, variable: str, url: str
) -> None:
    environment.setenv("LEDGER", "redis://:hunter2@10.0.0.1")
    environment.setenv(variable, url)
    with pytest.raises(SettingsError) as refused:
        bootstrap.app_context()
    clear = "is in clear text, and its host is not this machine: use TLS, or set ALLOW_CLEARTEXT=on"
    assert str(refused.value) == f"{variable}: {clear}"


@pytest.mark.parametrize(
    ("variable", "url", "warnings"),
    [
        ("LEDGER_URL", "redis://:hunter2@cache.invalid", 1),
        ("FAN_OUT_QUEUE", f"http://10.0.0.1{QUEUE}", 1),
        ("FAN_OUT_QUEUE", f"https://10.0.0.1{QUEUE}", 0),
    ],
)
def test_clear_text_that_is_allowed_is_warned_of(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, url: str, warnings: int
) -> None:
    for name, value in ((variable, url), ("ALLOW_CLEARTEXT", "on")):
        environment.setenv(name, value)
    bootstrap.app_context()
    written = capsys.readouterr().out
    lines = [json.loads(line) for line in written.splitlines()]
    assert [line["level"] for line in lines if f"{variable}: is in clear text" in line["message"]] == (
        ["WARNING"] * warnings
    )
    assert "hunter2" not in written


@pytest.mark.parametrize("scheme", [Bearer, Signature, Platform])
def test_callers_are_known_by_the_scheme_of_http_auth(environment: pytest.MonkeyPatch, scheme: type) -> None:
    environment.setenv("HTTP_AUTH", scheme.scheme)  # type: ignore[attr-defined]  # each has one
    assert type(bootstrap.http_context().authenticator) is scheme


def make_all() -> None:
    """The instance, and its queue, which is made when it is needed."""
    make = bootstrap.app_context().queue
    if make is not None:
        make()


@pytest.mark.parametrize(
    ("variable", "url", "module"),
    [
        ("LEDGER_URL", "dynamodb://counters", "handler.ledgers.dynamodb.ledger"),
        ("FAN_OUT_QUEUE", "https://sqs.eu-west-1.amazonaws.com/123456789012/pages", "handler.queues.sqs"),
    ],
)
def test_a_store_or_a_queue_whose_package_is_missing_says_so(
    environment: pytest.MonkeyPatch, variable: str, url: str, module: str
) -> None:
    """AWS's runtime brings its own SDK, and others may not have packed it."""
    environment.setenv(variable, url)
    leave_out(environment, "boto3", module, "handler.clouds.aws")
    with pytest.raises(SettingsError, match=rf"^{variable}: .*needs the package boto3, which is not there$"):
        make_all()


@contextmanager
def queue_of(environment: pytest.MonkeyPatch, url: str, variables: Mapping[str, str]) -> Iterator[Queue]:
    for name, value in {"FAN_OUT_QUEUE": url, **variables}.items():
        environment.setenv(name, value)
    make = bootstrap.app_context().queue
    assert make is not None
    yield make()


def test_without_a_queue_there_is_none_to_make() -> None:
    """A timer then does everything by itself."""
    assert bootstrap.app_context().queue is None


@pytest.mark.parametrize(("platform", "region"), [({"AWS_REGION": REGION}, REGION), ({}, "us-east-1")])
def test_the_url_of_a_queue_leads_to_it(environment: pytest.MonkeyPatch, platform: dict[str, str], region: str) -> None:
    """At its own endpoint where it is none of AWS's, and in the function's region."""
    with ByteServer(answering(http(b'{"Successful": []}'))) as server:
        url = f"http://{server.address}/000000000000/pages"
        with queue_of(environment, url, platform) as queue:
            queue.send(PAGES)
    [request] = server.requests
    assert target(request) == ("SendMessageBatch", region)
    assert json.loads(request.partition(b"\r\n\r\n")[2])["QueueUrl"] == url


@pytest.mark.parametrize(("region", "sent"), [("", "ap-tokyo"), ("?region=ap-seoul", "ap-seoul")])
def test_an_access_point_leads_to_its_topic(environment: pytest.MonkeyPatch, region: str, sent: str) -> None:
    def script(exchange: Exchange) -> None:
        while exchange.receive():
            exchange.send(http(b'{"Response": {"MessageId": ["m"]}}', "Content-Type: application/json"))

    with ByteServer(script) as server:
        variables = {"TENCENTCLOUD_REGION": "ap-tokyo", "TENCENT_CKAFKA_ENDPOINT": f"http://{server.address}"}
        with queue_of(environment, f"ckafka:datahub-1{region}", variables) as queue:
            queue.send(PAGES)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert f"x-tc-region: {sent}" in head.decode().lower()
    assert json.loads(body) == {"DataHubId": "datahub-1", "Message": [{"Body": "a page"}]}
