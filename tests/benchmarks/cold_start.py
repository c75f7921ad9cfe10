"""Measure a cold start: from the start of the process to its first answer, under AWS's runtime client.

    python -m tests.benchmarks.cold_start --rounds 15

The packages are those that are deployed, with a layer for this machine and the target's Python. Beside them stands a
function that does nothing but import the same libraries: Powertools' event handler, pydantic with one model, requests.
Variants take turns within each round, so that whatever else the machine does meets them all; medians are compared.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from layers.bytecode import compile_all
from layers.targets import AWS, here
from tests.e2e.instances import Place, Reply
from tests.e2e.packages import on_lambda, unpacked
from tests.e2e.runtime_api import LambdaInstance
from tests.sandbox.dialects import event_of
from tests.sandbox.environment import sandboxed_environment

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
NOBODY = "http://127.0.0.1:9"
"""An endpoint where nobody listens: a health call needs no API."""

EVENT = event_of("rest", "GET", "/v1/health", [], b"")


@dataclass(frozen=True, slots=True)
class Variant:
    """A function, where it lies, and its variables."""

    name: str
    handler: str
    place: Place
    variables: Mapping[str, str]


def main() -> None:
    """Print one line for each variant."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.cold_start", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="starts of each variant")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="cold-start-") as scratch:
        folder = Path(scratch)
        variants = made(folder)
        times: dict[str, list[tuple[float, float]]] = {variant.name: [] for variant in variants}
        for number in range(rounds + 1):
            for variant in variants:
                taken_s = started(variant, folder / "logs" / f"{variant.name}-{number}")
                # The first round brings the files into the machine's memory.
                times[variant.name] += [taken_s] if number else []
    base = [statistics.median(each) for each in zip(*times["bare"], strict=True)]
    for name, taken in times.items():
        clock_s, processor_s = (statistics.median(each) for each in zip(*taken, strict=True))
        print(
            f"{name:32} {1000 * clock_s:6.0f} ms ({clock_s / base[0]:.2f} of bare), "
            f"{1000 * processor_s:6.0f} ms of a processor ({processor_s / base[1]:.2f})"
        )


def made(folder: Path) -> list[Variant]:
    """The variants, from one build."""
    package = unpacked(here(AWS.python), folder / "package")
    place = on_lambda(package, folder / "package")
    variables = sandboxed_environment(NOBODY, folder / "state", INIT_EARLY="on")
    read_only = {"PYTHONDONTWRITEBYTECODE": "1"}
    bare = folder / "bare"
    bare.mkdir()
    (bare / "bare.py").write_text(BARE, "utf-8")
    compiled = folder / "compiled"
    shutil.copytree(package.code, compiled)
    compile_all(place.python, compiled, "/var/task")
    return [
        Variant("bare", "bare.lambda_handler", beside(place, bare), read_only),
        Variant("deployed", "handler.early.lambda_handler", place, variables | read_only),
        Variant("deployed, with its own bytecode", "handler.early.lambda_handler", beside(place, compiled), variables),
    ]


def beside(place: Place, code: Path) -> Place:
    """The same layer and runtime with another function."""
    return replace(place, code=code, paths=(code, *place.paths[1:]))


def started(variant: Variant, logs: Path) -> tuple[float, float]:
    """How long the first answer takes, by the clock and in time of a processor, in seconds."""
    instance = LambdaInstance(variant.variables, logs, variant.place)
    instance.handler = variant.handler
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with closing(instance.start()) as runtime:
        outcome = runtime.exchange(EVENT, 20.0)
        taken_s = time.perf_counter() - began
    if not isinstance(outcome, Reply) or not isinstance(outcome.value, dict) or outcome.value["statusCode"] != 200:
        sys.exit(f"{variant.name} did not answer: {outcome}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return taken_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
