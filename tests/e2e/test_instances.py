"""The stand-ins for both clouds keep the clouds' rules, whatever function they run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.clouds import Platform
from tests.e2e.instances import ROOT, Failure, FunctionInstance, Reply
from tests.e2e.runtime_api import LambdaInstance
from tests.e2e.scf import ScfInstance

TOY = """
import os, socket

def handler(event, context):
    if event == "half":
        host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(b"POST /2018-06-01/runtime/invocation/1/response HTTP/1.1\\r\\nContent-Le")
        os._exit(3)
    if isinstance(context, dict):
        return context["time_limit_in_ms"]
    return context.get_remaining_time_in_millis()
"""


class ToyLambda(LambdaInstance):
    handler = "toy.handler"


class ToyScf(ScfInstance):
    index = "from toy import handler as main_handler\n"


@pytest.fixture
def toy(platform: Platform, tmp_path: Path) -> Iterator[FunctionInstance]:
    """A function that does what its event says."""
    (tmp_path / "toy.py").write_text(TOY, "utf-8")
    kind = ToyLambda if platform == "lambda" else ToyScf
    code = tmp_path / "logs" / "code"
    with kind({"PYTHONPATH": f"{code}:{tmp_path}:{ROOT}"}, tmp_path / "logs") as instance:
        yield instance


def test_the_context_tells_the_time_limit(toy: FunctionInstance) -> None:
    """The first invocation has all of it: what it took to start does not count."""
    reply = toy.invoke("limit", timeout_s=4.0)
    assert isinstance(reply, Reply)
    assert isinstance(reply.value, int)
    assert 3500 < reply.value <= 4000


@pytest.mark.parametrize("platform", ["lambda"], indirect=True)
def test_a_process_that_ends_in_the_middle_of_its_reply_has_not_replied(toy: FunctionInstance) -> None:
    """Half a request tells the Runtime API nothing; the end of the process does."""
    failure = toy.invoke("half")
    assert isinstance(failure, Failure)
    assert "exit status 3" in failure.message
    assert isinstance(toy.invoke("limit"), Reply)
