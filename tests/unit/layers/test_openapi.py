"""The committed OpenAPI document is what the function's own definitions generate, and says what the function does."""

import json
import re
from typing import Any

import jsonschema_rs
import pytest

from handler.core import errors
from handler.core.errors import BadInput
from handler.core.model.operation import GROUP_ID_BYTES, INT64_MAX, INT64_MIN, KEY_BYTES
from handler.core.model.outcome import Applied, Frozen, KeyReused, Outcome, Pending, Rejected, Stalled, Unknown
from handler.core.model.payload import read_payload
from handler.core.ports.counter_api import Fault
from handler.core.ports.error_codes import VERDICTS
from handler.triggers.http import responses
from handler.triggers.http.headers import agreed_key
from handler.triggers.http.responses import Reply, of_error, of_outcome, of_state, wrong_method
from handler.triggers.http.routes import ROUTES
from handler.triggers.idempotency_key import KEY_CHARACTERS, read_key
from layers.openapi import PLACE
from layers.openapi.__main__ import text
from layers.openapi.bodies import EXAMPLE, RECEIPT_KEY
from layers.openapi.problems import CASES

DOCUMENT: Any = json.loads(PLACE.read_bytes())
UPDATE = DOCUMENT["paths"]["/v1/update_group_counter"]["post"]
OPERATION = DOCUMENT["paths"]["/v1/operations"]["get"]

ERRORS = [
    errors.BadInput("Mode", "is wrong"),
    errors.BodyTooLarge("body", "is longer"),
    errors.Unauthorized("no caller"),
    errors.NotPermitted("Mode", "Set is not allowed"),
    errors.TooManyCalls("the row is full", 2.0),
    errors.QuotaUsedUp("the caller's own calls are used up", 2.0),
    errors.LedgerUnavailable("the ledger is closed"),
    errors.AppRefused(60020, "arrears", 7.1),
    errors.OutcomeUnknown("the answer was lost"),
    errors.SettingsError("WAIT_S", "is wrong"),
    KeyError("a mistake"),
]
OUTCOMES: list[Outcome] = [
    Applied((("like", INT64_MAX),)),
    Applied((("like", 5),), observed_later=True, replayed=True),
    *(
        Rejected(code, "the vendor's words", replayed=True)
        for code, m in VERDICTS.items()
        if m.fault is Fault.OPERATION
    ),
    Unknown("the reply was lost"),
    Unknown("the reply was lost", replayed=True),
    Pending(2.0),
    Stalled(60020, "arrears", 3.0),
    Frozen("a foreign write"),
]


def fits(schema: dict[str, object], value: object) -> bool:
    """Whether a value is as a schema of the document wants it."""
    return jsonschema_rs.is_valid({"components": DOCUMENT["components"], **schema}, value)


def check(operation: dict[str, Any], reply: Reply) -> None:
    """The reply is one of the operation's: status, content type, headers and a body that fits."""
    told = operation["responses"][str(reply.status)]
    assert fits(told["content"][reply.content_type]["schema"], dict(reply.body)), reply
    assert reply.headers.keys() <= told["headers"].keys()
    assert reply.headers.keys() >= {name for name, header in told["headers"].items() if header.get("required")}


def test_the_committed_document_is_what_is_generated() -> None:
    """`make openapi` writes it."""
    assert PLACE.read_text("ascii") == text()


def test_it_holds_every_route_and_no_other() -> None:
    served = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert served == {(route.method, route.path) for route in ROUTES}


def test_every_reference_leads_somewhere_and_every_part_is_referred_to() -> None:
    referred = set(re.findall(r'"#/components/(\w+/[\w-]+)"', PLACE.read_text("ascii")))
    parts = {f"{kind}/{name}" for kind in ("schemas", "headers", "links") for name in DOCUMENT["components"][kind]}
    own = {"schemas/NoSuchRoute"}
    assert referred <= parts
    assert parts - referred <= own | {f"headers/{name}" for name in ("Allow", "Location", "WWW-Authenticate")}


@pytest.mark.parametrize("outcome", OUTCOMES, ids=repr)
def test_every_outcome_is_answered_as_the_document_says(outcome: Outcome) -> None:
    """By the request itself, and by a later question."""
    check(UPDATE, of_outcome(outcome, "operations?GroupId=room&IdempotencyKey=k"))
    check(OPERATION, of_state(outcome))
    assert not fits(OPERATION["responses"]["200"]["content"]["application/json"]["schema"], {"state": "applied"})


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_every_error_is_answered_as_the_document_says(error: Exception) -> None:
    check(UPDATE, of_error(error))


def test_a_key_that_is_known_and_a_wrong_method_are_answered_as_the_document_says() -> None:
    check(UPDATE, of_outcome(KeyReused(), ""))
    check(UPDATE, wrong_method("POST"))
    check(OPERATION, responses.NO_SUCH_OPERATION.reply("unknown"))


def test_every_type_of_problem_is_listed_with_what_is_fixed_for_it() -> None:
    problem = DOCUMENT["components"]["schemas"]["Problem"]
    for case in CASES:
        told = problem["x-problems"][case.type]
        assert (told["title"], told["then"]) == (case.title, case.then)
        assert (case.status in told["status"], case.accepted in told["accepted"]) == (True, True)
    types = list(dict.fromkeys(case.type for case in CASES))
    assert problem["properties"]["type"]["enum"] == list(problem["x-problems"]) == types


def body(group: object = "room", keys: object = (("like", 5),), mode: object = "Set") -> dict[str, object]:
    assert isinstance(keys, tuple)
    counters = [{"Key": key, "Value": value} for key, value in keys]
    return {"GroupId": group, "GroupCounter": counters, "Mode": mode}


@pytest.mark.parametrize(
    ("document", "good"),
    [
        (EXAMPLE, True),
        (body(group="g" * GROUP_ID_BYTES), True),
        (body(group="g" * (GROUP_ID_BYTES + 1)), False),
        (body(group="群 组-1"), True),
        *((body(group=f"a{char}b"), False) for char in "\t\n\x00\x7f\xa0\u200b\u2028\ufeff"),
        (body(group=""), False),
        (body(keys=(("k" * KEY_BYTES, INT64_MAX), ("b", INT64_MIN))), True),
        (body(keys=(("k" * (KEY_BYTES + 1), 5),)), False),
        (body(keys=(("", 5),)), False),
        (body(keys=((RECEIPT_KEY, 5),)), False),
        (body(keys=(("a", INT64_MAX + 1),)), False),
        (body(keys=(("a", INT64_MIN - 1),)), False),
        (body(keys=(("a", 5), ("a", 5))), False),
        (body(keys=tuple((f"k{number}", 5) for number in range(19))), True),
        (body(keys=tuple((f"k{number}", 5) for number in range(20))), False),
        (body(keys=()), False),
        (body(mode="set"), False),
        ({**body(), "more": 1}, False),
        ({"GroupId": "room", "Mode": "Set"}, False),
    ],
)
def test_the_schema_of_a_body_is_as_strict_as_the_function(document: dict[str, object], good: bool) -> None:
    assert fits({"$ref": "#/components/schemas/Update"}, document) is good
    if good:
        read_payload(document, RECEIPT_KEY)
    else:
        with pytest.raises(BadInput):
            read_payload(document, RECEIPT_KEY)


@pytest.mark.parametrize(
    ("written", "good"),
    [
        *(("3f0e7a52", True), ('"3f0e7a52"', True), ("a" * KEY_CHARACTERS, True), ('"a\\"b"', True), (" a ", True)),
        *(("", False), ("a" * (KEY_CHARACTERS + 1), False), ("two words", False), ('"two words"', False)),
        *(('"a', False), ('"a\\b"', False), ("é", False), (f'"{"a" * (KEY_CHARACTERS + 1)}"', False)),
        *(('"a,b"', True), ("a,b", False), (",", False), ("a+b-c", True)),
    ],
)
def test_the_schema_of_a_key_is_as_strict_as_the_function(written: str, good: bool) -> None:
    """Only where it stands in a query may it have a comma without quotes: nothing joins two queries."""
    for parameter, read in ((UPDATE["parameters"][0], header_key), (OPERATION["parameters"][1], read_key)):
        is_good = good or (read is read_key and "," in written)
        assert fits(parameter["schema"], written) is is_good
        if is_good:
            read(written)
        else:
            with pytest.raises(BadInput):
                read(written)


def header_key(written: str) -> str:
    """The key of a request with this header."""
    return agreed_key(written, None)


def test_every_example_fits_its_schema() -> None:
    contents = [
        response["content"] for operation in (UPDATE, OPERATION) for response in operation["responses"].values()
    ]
    told = [media for content in [*contents, UPDATE["requestBody"]["content"]] for media in content.values()]
    shown = [(media["schema"], each["value"]) for media in told for each in media.get("examples", {}).values()]
    shown += [(each["schema"], each["example"]) for each in OPERATION["parameters"]]
    assert len(shown) == 6
    assert [value for schema, value in shown if not fits(schema, value)] == []


def test_each_way_to_know_callers_is_named_with_all_that_it_needs() -> None:
    needed = [{"bearer"}, {"webhook-id", "webhook-timestamp", "webhook-signature"}, {"platform"}]
    assert [set(each) for each in UPDATE["security"]] == needed
    assert OPERATION["security"] == UPDATE["security"]
    assert DOCUMENT["paths"]["/v1/health"]["get"]["security"] == []
    assert set(DOCUMENT["components"]["securitySchemes"]) == set.union(*needed)


def test_addresses_are_relative_to_the_document() -> None:
    """So that trying a route out works behind any stage and base path."""
    assert [server["url"] for server in DOCUMENT["servers"]] == ["."]
