"""Both clouds tell of an invocation in their own way; here it is one and the same thing."""

from math import inf, nan

import pytest

from handler.triggers.invocation import Invocation
from tests.sandbox.contexts import scf_context


class AwsContext:
    """What AWS passes, as far as it is looked at."""

    def __init__(self, request_id: object = "id-1", left_ms: object = 2500) -> None:
        self.aws_request_id = request_id
        self._left_ms = left_ms

    def get_remaining_time_in_millis(self) -> object:
        return self._left_ms


def read(context: object) -> Invocation:
    return Invocation.of(context, lambda: 100.0)


def test_aws_tells_what_is_left() -> None:
    assert read(AwsContext()) == Invocation("id-1", 100.0, 102.5)


def test_scf_tells_the_limit() -> None:
    context = scf_context(30)
    assert read(context) == Invocation(str(context["request_id"]), 100.0, 130.0, "update-group-counter")


@pytest.mark.parametrize("context", [None, object(), {}, {"request_id": None}, "context"])
def test_without_a_limit_there_is_no_deadline(context: object) -> None:
    assert read(context) == Invocation("", 100.0, inf)


@pytest.mark.parametrize("left_ms", [None, "3000", True, nan, [], 10**400])
def test_a_limit_that_is_no_number_is_none(left_ms: object) -> None:
    assert read(AwsContext(left_ms=left_ms)).deadline == inf
    assert read({"time_limit_in_ms": left_ms}).deadline == inf


@pytest.mark.parametrize(("request_id", "kept"), [("r" * 300, "r" * 128), ("a\nb", ""), (7, ""), (None, "")])
def test_a_request_id_is_short_and_printable(request_id: object, kept: str) -> None:
    assert read(AwsContext(request_id)).request_id == kept


def test_the_log_gets_what_there_is_of_name_and_id() -> None:
    context = scf_context(30)
    request_id = context["request_id"]
    assert read(context).log_fields == {
        "function_name": "update-group-counter",
        "function_request_id": request_id,
        "correlation_id": request_id,
    }
    assert read({"function_name": "two\nlines"}).log_fields == {}


def test_without_a_deadline_work_ends_some_time_after_the_beginning() -> None:
    assert read({}).deadline_or(60.0) == 160.0
    assert read(scf_context(30)).deadline_or(60.0) == 130.0
