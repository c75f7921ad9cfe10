"""The secret's JSON is checked field by field, and no error shows a value of it."""

import hashlib
import json
import time
import traceback
from collections.abc import Mapping

import pytest

from handler.core.errors import SettingsError
from handler.core.model.operation import Mode
from handler.core.model.rights import Grant, Rights, SourceRights
from handler.core.ports.vault import Caller, Secret
from handler.vault.secret import parse

KEY = "5bd2850fff3ecb11d7c805251c51ee46"
TOKEN = "a-token-that-nobody-may-see"
DIGEST = hashlib.sha256(TOKEN.encode()).hexdigest()
SECRET: Mapping[str, object] = {"sdkappid": 1400000000, "identifier": "administrator", "key": KEY}


def text(**changes: object) -> str:
    return json.dumps({**SECRET, **changes})


def without(field: str) -> str:
    return json.dumps({name: value for name, value in SECRET.items() if name != field})


def problem(secret: str) -> str:
    with pytest.raises(SettingsError) as refusal:
        parse(secret)
    shown = "".join(traceback.format_exception(refusal.value))
    assert KEY not in shown
    assert TOKEN not in shown
    assert refusal.value.variable == "CHAT_SECRET"
    return refusal.value.problem


def test_a_secret_without_callers_is_enough() -> None:
    """Timers and queues bring no caller's token."""
    assert parse(text()) == Secret(1400000000, "administrator", KEY, ())


def test_a_callers_token_is_kept_with_its_digest() -> None:
    """The digest is what a token is compared by; signed requests need the token itself."""
    secret = parse(text(callers=[{"name": "mobile", "token": TOKEN}]))
    assert secret.callers == (Caller("mobile", bytes.fromhex(DIGEST), TOKEN),)


@pytest.mark.parametrize("digest", [DIGEST, DIGEST.upper()])
def test_a_digest_may_stand_for_the_token(digest: str) -> None:
    secret = parse(text(callers=[{"name": "mobile", "token_sha256": digest}]))
    assert secret.callers == (Caller("mobile", bytes.fromhex(DIGEST), None),)


def test_callers_may_share_a_name() -> None:
    """While a token rotates, the old one and the new one are the same caller."""
    secret = parse(text(callers=[{"name": "mobile", "token": token} for token in (TOKEN, TOKEN[::-1])]))
    assert [caller.name for caller in secret.callers] == ["mobile", "mobile"]


GRANT = {"modes": ["Increase", "Set"], "groups": ["live-*"], "keys": ["like", "gift_*"], "at_most": 100}
READ_GRANT = Grant(modes=frozenset({Mode.INCREASE, Mode.SET}), groups=("live-*",), keys=("like", "gift_*"), at_most=100)


def test_what_a_caller_and_a_source_may_do_is_read() -> None:
    """Each right that is left out allows everything; an empty list of grants or patterns allows nothing."""
    callers = [
        {"name": "a", "token": TOKEN, "may": [GRANT, {}], "read": ["live-*"], "calls_per_second": 2.5},
        {"name": "b", "may": [], "read": [], "not_after": "2027-01-01T08:00:00.5+08:00"},
    ]
    read = parse(text(callers=callers, sources={"arn:a": {"callers": ["a"], "may": [GRANT]}, "topic": {}}))
    first = Rights(may=(READ_GRANT, Grant()), read=("live-*",), calls_per_second=2.5)
    assert read.callers == (
        Caller("a", bytes.fromhex(DIGEST), TOKEN, first),
        Caller("b", rights=Rights(may=(), read=()), not_after=1_798_761_600.5),
    )
    assert read.sources == {
        "arn:a": SourceRights(callers=frozenset({"a"}), may=(READ_GRANT,)),
        "topic": SourceRights(),
    }


@pytest.mark.parametrize(
    ("right", "field"),
    [
        *(({name: None}, name) for name in ("may", "read", "calls_per_second", "not_after")),
        *(({"may": [{name: None}]}, f"may[0].{name}") for name in GRANT),
        *(({"may": [{}, {name: []}]}, f"may[1].{name}") for name in ("modes", "groups", "keys")),
        *(({"may": may}, "may") for may in ("all", {}, {"modes": ["Set"]})),
        *(({"may": [{"at_most": amount}]}, "may[0].at_most") for amount in (-1, 1.0, "1", True, 2**63)),
        *(({"may": [{"modes": ["Set", mode]}]}, "may[0].modes[1]") for mode in ("set", "*", TOKEN, 1)),
        *(({"may": [{"groups": [group]}]}, "may[0].groups[0]") for group in ("", 1, TOKEN * 10)),
        ({"may": [{"by_at_most": 1}]}, "may[0].by_at_most"),
        ({"may": [{"groups": "live-*"}]}, "may[0].groups"),
        *(({"read": patterns}, "read") for patterns in ("*", {"*": 1})),
        *(({"calls_per_second": rate}, "calls_per_second") for rate in (0, -1, 0.001, 10_001, "5", True)),
        *(
            ({"not_after": time}, "not_after")
            for time in (
                *("2027-01-01", "2027-01-01T00:00:00", "2027-01-01T00:00Z", "2027-01-01 00:00:00Z", "1798761600"),
                *("2027-02-30T00:00:00Z", "2027-01-01T00:00:60Z", "2027-01-01T00:00:00+0800", 1_798_761_600, TOKEN),
            )
        ),
    ],
    ids=repr,
)
def test_a_malformed_right_refuses_the_whole_secret(right: dict[str, object], field: str) -> None:
    """A caller whose limits cannot be read may do nothing, so no caller is served until they can."""
    callers = [{"name": "a", "token": "b" * 30}, {"name": "m", "token": TOKEN, **right}]
    assert problem(text(callers=callers)).startswith(f"callers[1].{field} of the secret: ")
    if field.startswith("may"):
        sources = {"arn:a": {}, f"arn:{TOKEN}": right}
        assert problem(text(sources=sources)).startswith(f"sources[1].{field} of the secret: ")


@pytest.mark.parametrize(
    ("sources", "field"),
    [
        *((sources, "sources") for sources in (None, ["arn"], "arn")),
        *(({"arn": source}, "sources[0]") for source in (None, ["a"], "a")),
        *(({"arn": {"callers": callers}}, "sources[0].callers") for callers in (None, "a", {"a": 1})),
        *(({"arn": {"callers": [name]}}, "sources[0].callers[0]") for name in ("", 1, None)),
        ({"arn": {"read": ["*"]}}, "sources[0].read"),
    ],
    ids=repr,
)
def test_a_malformed_source_is_named_by_its_place(sources: object, field: str) -> None:
    assert problem(text(sources=sources)).startswith(f"{field} of the secret: ")


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        *((without(field), f"{field} of the secret: Field required") for field in SECRET),
        (text(caller=[]), "caller of the secret: Extra inputs are not permitted"),
        (text(**{f"{KEY}{KEY}": ""}), "a field of the secret: Extra inputs are not permitted"),
    ],
    ids=[*SECRET, "unknown", "a value for a name"],
)
def test_a_missing_field_and_an_unknown_one_are_named(secret: str, said: str) -> None:
    """A slip in a name would be a caller that nobody knows; what looks like a value is not shown."""
    assert problem(secret) == said


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("sdkappid", value) for value in ("1400000000", 1400000000.0, True, 0, -1, 2**63, None)),
        *(("identifier", value) for value in ("", "a" * 33, "admin istrator", "админ", 5)),
        *(("key", value) for value in ("", f"{KEY}\n", f" {KEY}", 5, [KEY])),
        *(("callers", value) for value in (None, {"a": 1}, KEY)),
    ],
    ids=repr,
)
def test_a_wrong_field_is_named(field: str, value: object) -> None:
    assert problem(text(**{field: value})).startswith(f"{field} of the secret: ")


@pytest.mark.parametrize(
    ("caller", "field"),
    [
        *(({"name": "m"}, "callers[0]"), ({"name": "m", "token": TOKEN, "token_sha256": DIGEST}, "callers[0]")),
        *(({"token": TOKEN}, "callers[0].name"), ({"name": "", "token": TOKEN}, "callers[0].name")),
        ({"name": "m", "token": ""}, "callers[0].token"),
        ({"name": "m", "token": f"{TOKEN}\n"}, "callers[0].token"),
        *(({"name": "m", "token": wrong}, "callers[0].token") for wrong in (5, None)),
        ({"name": "m", "token_sha256": None}, "callers[0].token_sha256"),
        ({"name": "m", "token_sha256": DIGEST[1:]}, "callers[0].token_sha256"),
        ({"name": "m", "token_sha256": TOKEN}, "callers[0].token_sha256"),
        *(({"name": "m", "token": TOKEN, "scope": "all"}, "callers[0].scope"), (TOKEN, "callers[0]")),
    ],
    ids=repr,
)
def test_a_wrong_caller_is_named(caller: object, field: str) -> None:
    assert problem(text(callers=[caller])).startswith(f"{field} of the secret: ")


def test_a_token_that_could_be_guessed_is_refused_by_the_name_of_its_caller() -> None:
    """With the whole secret, so that it is seen; 22 characters of base64 are 131 bits."""
    callers = [{"name": "web", "token": TOKEN[:22]}, {"name": "mobile", "token": TOKEN[:21]}]
    said = "callers[1].token of the secret: that of mobile has less than 22 characters"
    assert problem(text(callers=callers)) == said
    assert parse(text(callers=callers[:1])).callers[0].name == "web"


@pytest.mark.parametrize("other", [{"token": TOKEN}, {"token_sha256": DIGEST}])
def test_a_token_of_two_names_is_refused(other: dict[str, str]) -> None:
    callers = [{"name": "mobile", "token": TOKEN}, {"name": "web", **other}]
    assert problem(text(callers=callers)) == ("callers[1] of the secret: has the token of a caller with another name")


@pytest.mark.parametrize(
    "secret",
    [
        f'{{"sdkappid": 1, "key": "{KEY}", "identifier": "a", "key": "{TOKEN}"}}',
        f'{{"sdkappid": 1, "key": "{KEY}", "identifier": "a", "callers": [{{"key": "{TOKEN}", "key": ""}}]}}',
    ],
)
def test_a_field_that_stands_twice_is_refused(secret: str) -> None:
    """Readers of JSON differ in which one they take."""
    assert problem(secret) == "key of the secret: stands twice"


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("", "content of the secret: is not JSON at line 1, column 1"),
        (KEY, "content of the secret: is not JSON at line 1, column 2"),
        (f'{{"key": "{KEY}" 1}}', "content of the secret: is not JSON at line 1, column 44"),
        (f'{{"key": "{KEY}', "content of the secret: is not JSON at line 1, column 9"),
        (f'["{KEY}"]', "content of the secret: must be a JSON object"),
        (f'"{KEY}"', "content of the secret: must be a JSON object"),
        ("[" * 100_000, "content of the secret: is not usable JSON"),
        (f"{KEY}\udc80", "content of the secret: is not usable JSON"),
    ],
    ids=["empty", "bare", "comma", "cut", "list", "string", "deep", "bytes"],
)
def test_text_that_is_no_object_is_refused_without_being_shown(secret: str, said: str) -> None:
    assert problem(secret) == said


def test_a_secret_of_many_names_is_read_in_no_time() -> None:
    """The largest that a secrets manager keeps; looking every name up among all the others took seconds."""
    text = json.dumps({f"{number:x}": 1 for number in range(6500)})
    begun = time.process_time()
    with pytest.raises(SettingsError):
        parse(text)
    assert time.process_time() - begun < 1


def test_what_the_secret_is_checked_with_shows_none_of_it() -> None:
    """Some reporters of errors write down the values in each frame of a traceback."""
    callers = [{"name": "a", "token": TOKEN}, {"name": "a", "token_sha256": "ab" * 32}]
    with pytest.raises(SettingsError) as refused:
        parse(text(callers=[*callers, {"name": "b", "token": TOKEN}]))
    frames = traceback.TracebackException.from_exception(refused.value, capture_locals=True)
    shown = [value for frame in frames.stack for name, value in (frame.locals or {}).items() if name == "fields"]
    assert len(shown) == 1
    assert not [value for value in ("hunter2", "ab" * 32, KEY) if value in shown[0]]
