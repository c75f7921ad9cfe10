"""Measure a cold start: from the start of the process to its first answer, under AWS's runtime client.

    python -m tests.benchmarks.cold_start --rounds 15

The packages are those that are deployed, with a layer for this machine and the target's Python. Beside them stand two
functions that do nothing else: one imports the same libraries, Powertools' event handler, pydantic with one model and
requests; the other builds the clients of DynamoDB and Secrets Manager as well. The deployed function has both of them
too, and has asked both services before its first event; those are played by a process that is not measured. The API is
out of reach of all of these; one more variant greets it over TLS (R12), with the usual certificate authorities to load.
Variants take turns within each round, so that other load on the machine meets them all; medians are compared.
"""

import argparse
import json
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

import aws_lambda_powertools
import certifi

from layers.packaging.bytecode import compile_all
from layers.packaging.install import install_pins, pins_for
from layers.packaging.targets import AWS, here
from tests.benchmarks.figures import Figure, at_most
from tests.e2e.instances import ROOT, Place, Reply
from tests.e2e.packages import Unpacked, on_lambda, unpacked
from tests.e2e.runtime_api import LambdaInstance
from tests.faults.storms.ledgers import dynamodb_variables
from tests.sandbox import certificates
from tests.sandbox.dialects import event_of
from tests.sandbox.environment import made_up_secret, sandboxed_environment
from tests.sandbox.loopback import LoopbackConnection
from tests.sandbox.ministack import MiniStack
from tests.sandbox.secrets_manager import SecretsManager
from tests.sandbox.tls_server import TlsServer

BARE = '''"""A function that only imports what others are made of."""

import requests
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from pydantic import BaseModel


class Model(BaseModel):
    name: str
    value: int


app = APIGatewayRestResolver()


@app.get("/v1/health")
def health():
    return Model(name=requests.__version__, value=1).model_dump()


def lambda_handler(event, context):
    return app.resolve(event, context)
'''
WITH_CLIENTS = (
    BARE
    + """

import boto3

CLIENTS = [boto3.client("dynamodb"), boto3.client("secretsmanager")]
"""
)
OUT_OF_REACH = "http://127.0.0.1:9"
"""An endpoint without a server: a health call needs no API."""

ROUNDS = 15
MOST = 1.05
"""The bar: processor time of a cold start, times that of the bare libraries."""

ENTRY = "handler.preload.lambda_handler"
READ_ONLY = {"PYTHONDONTWRITEBYTECODE": "1"}
SDK = ("boto3", "botocore", "s3transfer", "python-dateutil", "six")

EVENT = event_of("rest", "GET", "/v1/health", [], b"")


@dataclass(frozen=True, slots=True)
class Variant:
    """A function, where it lies, its variables, and the name of the bare one that it is compared to."""

    name: str
    handler: str
    place: Place
    variables: Mapping[str, str]
    beside: str


@dataclass(frozen=True, slots=True)
class Start:
    """How long the first answer takes, by the clock and in time of a processor."""

    clock_s: float
    processor_s: float


def main() -> None:
    """Print one line for each variant."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.cold_start", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="starts of each variant")
    found = played(parser.parse_args().rounds)
    medians = {variant.name: start for variant, start in found}
    for variant, start in found:
        base = medians[variant.beside]
        clock = f"{1000 * start.clock_s:6.0f} ms ({start.clock_s / base.clock_s:.2f} of {variant.beside})"
        processor = f"{1000 * start.processor_s:6.0f} ms of a processor ({start.processor_s / base.processor_s:.2f})"
        print(f"{variant.name:34} {clock}, {processor}")


def measured() -> Iterator[Figure]:
    """Processor time beside that of the bare libraries, and what greeting the API over TLS adds (R12)."""
    found = {variant.name: start.processor_s for variant, start in played(ROUNDS)}
    what = "cold start, times the processor time of the bare libraries"
    yield at_most(what, found["deployed"] / found["bare"], MOST)
    yield at_most(f"{what} and clients", found["deployed with clients"] / found["bare with clients"], MOST)
    greeting_s = found["deployed, greeting over TLS"] - found["deployed"]
    yield Figure("processor time of greeting the API over TLS at a cold start, ms", f"{1000 * greeting_s:.0f}")


def played(rounds: int) -> list[tuple[Variant, Start]]:
    with tempfile.TemporaryDirectory(prefix="cold-start-") as scratch, ExitStack() as running:
        folder = Path(scratch)
        variants = made(folder, running)
        starts: dict[str, list[Start]] = {variant.name: [] for variant in variants}
        for number in range(rounds + 1):
            for variant in variants:
                start = started(variant, folder / "logs" / f"{variant.name}-{number}")
                # The first round brings the files into the machine's memory.
                starts[variant.name] += [start] if number else []
    return [(variant, _median(starts[variant.name])) for variant in variants]


def _median(starts: list[Start]) -> Start:
    return Start(
        clock_s=statistics.median(start.clock_s for start in starts),
        processor_s=statistics.median(start.processor_s for start in starts),
    )


def made(folder: Path, running: ExitStack) -> list[Variant]:
    """The variants, from one build; what they need runs until `running` ends."""
    package = unpacked(here(AWS.python), folder / "package")
    plain = on_lambda(package, folder / "package")
    # The runtime brings its own client and SDK with bytecode.
    aws = folder / "package" / "runtime"
    compile_all(plain.python, aws, "/var/runtime")
    add_event_handler(package, plain.python)
    sources = folder / "sources"
    shutil.copytree(package.code, sources, ignore=shutil.ignore_patterns("__pycache__"))
    sqlite = sandboxed_environment(OUT_OF_REACH, folder / "state", INIT_EARLY="on") | READ_ONLY
    clients = sqlite | services(folder / "aws", running)
    with_sdk = replace(plain, paths=(*plain.paths, sdk(package, folder / "sdk", plain.python)))
    return [
        bare("bare", BARE, folder, plain, READ_ONLY),
        Variant("deployed", ENTRY, plain, sqlite, "bare"),
        Variant("deployed, greeting over TLS", ENTRY, plain, sqlite | api(folder / "api", running), "deployed"),
        Variant("deployed, without bytecode", ENTRY, beside(plain, sources), sqlite, "bare"),
        bare("bare with clients", WITH_CLIENTS, folder, with_sdk, clients),
        Variant("deployed with clients", ENTRY, with_sdk, clients, "bare with clients"),
        Variant("with clients, without bytecode", ENTRY, beside(with_sdk, sources), clients, "bare with clients"),
    ]


def bare(name: str, source: str, folder: Path, place: Place, variables: Mapping[str, str]) -> Variant:
    code = folder / name.replace(" ", "-")
    code.mkdir()
    (code / "bare.py").write_text(source, "utf-8")
    return Variant(name, "bare.lambda_handler", beside(place, code), variables, name)


def api(folder: Path, running: ExitStack) -> dict[str, str]:
    """The Chat API over TLS, as far as a greeting goes; the variables that lead to it."""
    server = running.enter_context(TlsServer(certificates.make(folder), Greeted))
    authorities = folder / "authorities.pem"
    authorities.write_bytes(Path(certifi.where()).read_bytes() + (folder / "authority.pem").read_bytes())
    return {"CHAT_ENDPOINT": f"https://{server.address}", "REQUESTS_CA_BUNDLE": str(authorities)}


class Greeted(LoopbackConnection):
    """Answers a greeting: the group does not exist."""

    def do_POST(self) -> None:  # noqa: N802  # the name is http.server's
        """Reply, with the `Date` that every reply has."""
        self.body()
        self.reply(200, [], b'{"ActionStatus": "FAIL", "ErrorCode": 10010, "ErrorInfo": "no such group"}')


def services(folder: Path, running: ExitStack) -> dict[str, str]:
    """DynamoDB and Secrets Manager, with the secret; the variables that lead to them."""
    folder.mkdir()
    stack = running.enter_context(MiniStack(folder, "dynamodb", "secretsmanager"))
    operator = running.enter_context(SecretsManager(stack.endpoint))
    arn = operator.create("prod/chat", json.dumps(made_up_secret()))
    variables = dynamodb_variables(int(stack.endpoint.rpartition(":")[2]))
    return {**variables, "CHAT_SECRET": f"aws:{arn}", "AWS_ENDPOINT_URL_SECRETS_MANAGER": stack.endpoint}


def sdk(package: Unpacked, folder: Path, python: str) -> Path:
    """AWS's SDK as its runtime has it: behind the function and its layer."""
    pins = folder.with_suffix(".txt")
    every = pins_for(package.target, (ROOT / "tests" / "requirements.txt").read_text("utf-8")).splitlines(keepends=True)
    pins.write_text("".join(pin for pin in every if pin.split("==")[0] in SDK), "utf-8")
    install_pins(package.target, pins, folder)
    compile_all(python, folder, "/var/lang")
    return folder


def add_event_handler(package: Unpacked, python: str) -> None:
    """Put back what the bare functions import of Powertools, and the layer leaves out."""
    inside = Path("aws_lambda_powertools") / "event_handler"
    brought = Path(aws_lambda_powertools.__file__).parents[1] / inside
    shutil.copytree(brought, package.packages / inside, ignore=shutil.ignore_patterns("__pycache__"))
    compile_all(python, package.packages / inside, f"/opt/python/{inside}")


def beside(place: Place, code: Path) -> Place:
    """The same layer and runtime with another function."""
    return replace(place, code=code, paths=(code, *place.paths[1:]))


def started(variant: Variant, logs: Path) -> Start:
    """Start a process, send it one event, and end it."""
    instance = LambdaInstance(variant.variables, logs, variant.place)
    instance.handler = variant.handler
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with closing(instance.start()) as runtime:
        outcome = runtime.exchange(EVENT, 20.0)
        taken_s = time.perf_counter() - began
    if not isinstance(outcome, Reply) or not isinstance(outcome.value, dict) or outcome.value["statusCode"] != 200:
        sys.exit(f"{variant.name} did not answer: {outcome}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Start(taken_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


if __name__ == "__main__":
    main()
