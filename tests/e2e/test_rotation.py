"""The app's key changes under a function that has its secret from the secrets manager of either cloud.

Every library in its process logs all that it can, and none of it is a secret.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Event
from typing import Final

import pytest

from tests.e2e.backend import Backend
from tests.e2e.clouds import DIALECTS, Platform, calling, started
from tests.e2e.instances import FunctionInstance
from tests.e2e.runtime_api import TalkativeLambda
from tests.e2e.scf import ScfInstance
from tests.e2e.vaults import LocalVault, vault_of
from tests.e2e.watching import wait_for
from tests.sandbox.caller import Answer
from tests.sandbox.chat import ChatServer
from tests.sandbox.environment import KEY

NEW_KEY: Final = "another-key-of-the-same-app"


class TalkativeScf(ScfInstance):
    index = "from tests.e2e.talkative import main_handler\n"


TALKATIVE: Final[Mapping[Platform, type[FunctionInstance]]] = {"lambda": TalkativeLambda, "scf": TalkativeScf}


@pytest.fixture
def vault(platform: Platform, tmp_path: Path) -> Iterator[LocalVault]:
    """The cloud's secrets manager, with the secret in it."""
    with vault_of(platform, tmp_path / "vault") as running:
        yield running


@pytest.fixture
def reader(
    platform: Platform, variables: dict[str, str], vault: LocalVault, tmp_path: Path
) -> Iterator[FunctionInstance]:
    """An instance that has its secret from there."""
    with started(platform, {**variables, **vault.variables}, tmp_path / "reader", TALKATIVE) as instance:
        yield instance
        assert NEW_KEY not in instance.logs
        assert "DEBUG:urllib3" in instance.logs or "DEBUG:botocore" in instance.logs


@pytest.fixture
def caller(reader: FunctionInstance, platform: Platform) -> Iterator[Backend]:
    with calling(reader, DIALECTS[platform]) as backend:
        yield backend
        assert [answer for answer in backend.heard if NEW_KEY.encode() in answer.body] == []


@contextmanager
def at_work(caller: Backend) -> Iterator[list[Answer]]:
    """Increase `like` over and over, each time under a new key, until the block ends."""
    answers: list[Answer] = []
    is_over = Event()

    def work() -> None:
        while not is_over.is_set():
            answers.append(caller.increase(f"key-{len(answers)}"))

    with ThreadPoolExecutor(1) as threads:
        worker = threads.submit(work)
        try:
            yield answers
        finally:
            is_over.set()
        worker.result()


def test_the_apps_key_is_rotated_under_a_working_function(
    caller: Backend, vault: LocalVault, chat: ChatServer, reader: FunctionInstance
) -> None:
    """Two keys are valid for a while; the old one's first refusal is what makes the function look for the new one."""
    steps: list[Callable[[], None]] = [
        partial(chat.set_keys, [KEY, NEW_KEY]),
        partial(vault.put, key=NEW_KEY),
        partial(chat.set_keys, [NEW_KEY]),
    ]
    with at_work(caller) as answers:
        for step in steps:
            step()
            wait_for(partial(_has_grown, answers, len(answers) + 3), "more answers")
    assert {answer.status for answer in answers} == {200}
    assert chat.values("G")["like"] == len(answers)
    assert reader.logs.count('"message":"secret_refreshed"') == 1


def _has_grown(answers: list[Answer], enough: int) -> bool:
    return len(answers) >= enough
