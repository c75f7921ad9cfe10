"""What the function says of its settings when they are wrong, and never says of its secrets."""

from pathlib import Path

import pytest

from tests.e2e.backend import UPDATE, headers, increase_body
from tests.e2e.clouds import DIALECTS, Platform, calling, started
from tests.e2e.instances import Failure
from tests.e2e.leaks import leaks
from tests.sandbox.chat import ChatServer, Fault
from tests.sandbox.environment import KEY, SCHEDULE_TOKEN, SDKAPPID, TOKEN
from tests.sandbox.signatures import Signature, sign

SWEEP = {"Type": "Timer", "TriggerName": "sweep", "Time": "2026-11-23T00:00:00Z", "Message": {"task": "sweep"}}
TALKATIVE = {
    "AWS_LAMBDA_LOG_LEVEL": "DEBUG",
    "POWERTOOLS_DEBUG": "true",
    "POWERTOOLS_LOGGER_LOG_EVENT": "true",
    "POWERTOOLS_LOG_LEVEL": "DEBUG",
    "WAIT_S": "0.5",
}
"""Everything that makes the function or what it is built on say more."""


def test_a_missing_variable_is_named(platform: Platform, variables: dict[str, str], tmp_path: Path) -> None:
    """A caller is told that nothing was accepted, a timer's invocation fails, and the process stays."""
    del variables["LEDGER_URL"]
    with started(platform, variables, tmp_path / "logs") as instance, calling(instance, DIALECTS[platform]) as backend:
        answer, outcome = backend.increase("a"), instance.invoke(SWEEP)
        assert (answer.status, answer.fields["accepted"]) == (503, False)
        assert "LEDGER_URL" not in str(answer.fields)
        assert isinstance(outcome, Failure)
        assert (outcome.type, outcome.message) == ("SettingsError", "LEDGER_URL: is required")
        assert (instance.logs.count("LEDGER_URL: is required") >= 2, instance.starts) == (True, 1)


def test_nothing_secret_is_said_even_by_a_talkative_function(
    platform: Platform, variables: dict[str, str], tmp_path: Path, chat: ChatServer
) -> None:
    """Pages instead of JSON, lost replies, an unknown caller, a refused signature, a server that has gone.

    Whoever starts an instance or calls one searches its logs and the replies at the end.
    """
    with (
        started(platform, variables | TALKATIVE, tmp_path / "first") as instance,
        calling(instance, DIALECTS[platform]) as backend,
    ):
        chat.plan([Fault("html_body", applied=True), Fault("drop_after"), Fault("bad_gateway_after")])
        statuses = [backend.increase(f"key-{number}").status for number in range(3)]
        statuses.append(backend.send("POST", UPDATE, headers("a", TOKEN + "x"), increase_body("G", 1)).status)
        chat.set_keys(["another-key"])
        statuses.append(backend.increase("refused").status)
        assert statuses == [200, 200, 200, 401, 503]
        assert '"level":"DEBUG"' in instance.logs
    chat.close()
    with (
        started(platform, variables | TALKATIVE, tmp_path / "second") as instance,
        calling(instance, DIALECTS[platform]) as backend,
    ):
        assert backend.increase("unreachable").status == 202


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (KEY, "the app's key"),
        (TOKEN, "a caller's token"),
        (SCHEDULE_TOKEN, "a caller's token"),
        (sign(Signature("administrator", SDKAPPID, 1_700_000_000, 2), KEY), "a UserSig"),
        ("/v4/x?sdkappid=1&usersig=x", "a query string"),
        ("made-up-session-token-of-the-execution-role", "a credential of the platform"),
    ],
)
def test_the_search_finds_every_kind_of_secret(text: str, kind: str) -> None:
    """A search that finds nothing must be able to find something."""
    assert leaks(f'{{"level":"DEBUG","message":"x {text} y"}}') == [kind]
