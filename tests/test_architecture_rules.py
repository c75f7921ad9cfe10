"""The rules of the architecture find what breaks them and let the rest pass."""

import pytest

from tests import architecture


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("handler/core/model/row.py", "from handler.chat import client"),
        ("handler/core/model/row.py", "from handler.config import settings"),
        ("handler/core/model/row.py", "import handler"),
        ("handler/chat/client.py", "from handler.ledgers.sqlite.ledger import SqliteLedger"),
        ("handler/chat/client.py", "from ..vault import cache"),
        ("handler/triggers/http/handler.py", "def answer():\n    from handler.bootstrap import instance"),
        ("handler/config/settings.py", "import handler.vault.files"),
        ("handler/bootstrap.py", "from handler.main import lambda_handler"),
        ("handler/main.py", "from handler.ledgers.sqlite.ledger import SqliteLedger"),
        ("handler/main.py", "from handler.preload import lambda_handler"),
        ("handler/preload.py", "from handler.config.settings import Settings"),
    ],
)
def test_an_import_against_the_direction_is_found(path: str, source: str) -> None:
    """Upwards or sideways, whole or in parts, relative or absolute, at the top or in a function."""
    assert len(architecture.wrong_direction(source, path)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("handler/preload.py", "from handler import bootstrap\nfrom handler.main import lambda_handler"),
        ("handler/main.py", "from handler import bootstrap, telemetry"),
        ("handler/bootstrap.py", "from handler.ledgers.sqlite.ledger import SqliteLedger"),
        (
            "handler/triggers/http/handler.py",
            "from handler.core.model.operation import Operation\nfrom .auth import Bearer",
        ),
        ("handler/core/model/row.py", "import json\nfrom handler.core import errors"),
    ],
)
def test_an_import_along_the_direction_passes(path: str, source: str) -> None:
    """Downwards, within one folder and out of the handler everything is free."""
    assert architecture.wrong_direction(source, path) == []


@pytest.mark.parametrize(
    "source",
    [
        *("import time", "from os import path", "import urllib.request", "from datetime import datetime"),
        *("from secrets import randbits", "import threading\nthreading.Thread()", "from threading import Thread"),
        *("import importlib", "import requests", "from handler import settings"),
    ],
)
def test_an_import_that_the_core_may_not_have_is_found(source: str) -> None:
    """Clocks, chance, I/O, workers and other people's packages stay outside."""
    assert len(architecture.impure_imports(source)) == 1


def test_an_import_that_only_computes_is_free_to_the_core() -> None:
    """Hashing, JSON, locks, the syntax of URLs, msgspec, pydantic and the core itself."""
    standard = "import hashlib, json, threading\nfrom urllib.parse import quote\nthreading.Lock()\n"
    assert (
        architecture.impure_imports(
            standard + "import msgspec, pydantic\nfrom handler.core.model import row\nfrom .ports import Ledger"
        )
        == []
    )


def test_a_built_in_that_does_io_is_found() -> None:
    """The built-in counts; a method of the same name belongs to whoever was passed in."""
    assert architecture.direct_io("open('x')\nprint()\nledger.open()") == ["open", "print"]


def test_a_long_function_is_found_and_its_docstring_is_free() -> None:
    """Lines are counted from the first after the docstring to the last, inner functions included."""
    source = "def f():\n    '''One.\n\n    Two.'''\n    def g():\n        return 1\n    return g\n"
    assert architecture.long_functions(source, 3) == []
    assert architecture.long_functions(source, 2) == ["f: 3"]


@pytest.mark.parametrize(
    "source",
    [
        *("session = requests.Session()", "started: float = time.time()", "main()", "x = f(a=g())"),
        *("x = pattern.compile()", "x = {'a': Row(Client())}", "clients = [1 for _ in connect()]", "x += 1"),
        *("class A:\n    client = Client()", "for x in y:\n    pass", "if DEBUG:\n    x = 1"),
        "if TYPE_CHECKING:\n    import x\nelse:\n    x = connect()",
        *("try:\n    import x\nexcept ImportError:\n    x = None", "with x:\n    pass"),
    ],
)
def test_a_statement_that_builds_at_import_is_found(source: str) -> None:
    """Calls of any depth, loops, branches and blocks, in the module and in its classes."""
    assert len(architecture.built_at_import(source, frozenset({"Row"}))) == 1


@pytest.mark.parametrize(
    "source",
    [
        *("'''What it is for.'''", "limit: int", "LIMIT = 2 ** 63 - 1", "PATTERN = re.compile('a')"),
        *("T = TypeVar('T', bound=int)", "Names = list[str] | None", "ADAPTER = TypeAdapter[int](int)"),
        *("DECODER = msgspec.json.Decoder(Row)", "ROWS = {1: Row(code=1)}", "WORDS = frozenset('a b'.split())"),
        *("later = lambda: Client()", "if TYPE_CHECKING:\n    import boto3"),
        "class A(B):\n    x: int = field(default=0)",
        "@dataclass(frozen=True)\nclass A:\n    def f(self): return g()",
    ],
)
def test_a_definition_or_a_constant_passes(source: str) -> None:
    """Types, patterns, tables of values and whatever runs later."""
    assert architecture.built_at_import(source, frozenset({"Row"})) == []


def test_only_frozen_structs_and_dataclasses_are_values() -> None:
    """An object that can change is built, even where its class is a struct or a dataclass."""
    source = "@dataclass(frozen=True, slots=True)\nclass A: ...\n@dataclass(slots=True)\nclass B: ...\nclass C: ..."
    source += "\nclass D(msgspec.Struct, frozen=True): ...\nclass E(msgspec.Struct): ..."
    assert architecture.value_types(source) == {"A", "D"}


def test_an_address_in_a_requirement_file_is_found() -> None:
    """An index option, a direct reference, an editable path and a file are addresses; a pin with its hash is not."""
    bad = ["--extra-index-url x", "--index-url x", "-i x", "a @ b", "-e .", "./a.whl", "a==1 # https://x"]
    assert architecture.foreign_addresses("\n".join([*bad, "a==1 \\", "    --hash=sha256:0"])) == bad


def test_a_loose_requirement_is_found() -> None:
    """A version without a hash, and a hash without a version, are both loose."""
    text = "a==1 \\\n    --hash=sha256:0\nb==1 ; python_version < '3.11'\nc>=1 --hash=sha256:0\n"
    assert architecture.pins(text) == {"a==1": True, "b==1 ; python_version < '3.11'": False, "c>=1": False}
