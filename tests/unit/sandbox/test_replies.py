"""What a caller gets to see of a request, with and without a fault."""

import json

import pytest

from tests.sandbox.codes import MEANINGS, RefusalError
from tests.sandbox.faults import Fault
from tests.sandbox.replies import Reply, Result, refused, reply_to

RESULT = Result(0, "", {"like": 5, "größe": -1})
WHOLE = reply_to(RESULT, None)


def counters(reply: Reply) -> object:
    return json.loads(reply.body).get("GroupCounter", "nothing")


def test_an_answer_is_plain_utf_8() -> None:
    assert "größe".encode() in WHOLE.body
    assert counters(WHOLE) == [{"Key": "like", "Value": 5}, {"Key": "größe", "Value": -1}]


def test_a_cut_answer_has_the_length_of_the_whole() -> None:
    """The body is what would have been sent; its ending says that it was not, so nobody read a code."""
    reply = reply_to(RESULT, Fault("cut_body"))
    assert (reply.ending, reply.body, reply.code) == ("cut", WHOLE.body, None)


def test_a_receipt_can_be_missing_alone_or_with_all_counters() -> None:
    assert counters(reply_to(RESULT, Fault("missing_receipt", key="like"))) == [{"Key": "größe", "Value": -1}]
    assert counters(reply_to(RESULT, Fault("missing_receipt"))) == "nothing"
    assert reply_to(RESULT, Fault("missing_receipt")).code == 0


def test_a_refusal_under_a_fault_keeps_its_code() -> None:
    reply = reply_to(Result(10010, "gone"), Fault("missing_receipt", key="like"))
    assert (reply.code, counters(reply)) == (10010, "nothing")


@pytest.mark.parametrize("code", [*MEANINGS, 99999])
def test_every_code_can_be_answered(code: int) -> None:
    reply = reply_to(None, Fault("code", code=code))
    fields = json.loads(reply.body)
    assert (fields["ActionStatus"], fields["ErrorCode"], reply.code, reply.status) == ("FAIL", code, code, 200)
    assert fields["ErrorInfo"] == MEANINGS.get(code, "unlisted error")


def test_a_refusal_may_say_more() -> None:
    assert json.loads(refused(RefusalError(10004, "Mode")).body)["ErrorInfo"] == "invalid parameter: Mode"
