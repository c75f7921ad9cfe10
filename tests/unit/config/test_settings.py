"""Every variable of the contract has its default and its bounds, and contradictions are refused in one error."""

from collections.abc import Mapping

import pytest

from handler.config.settings import Settings
from handler.core.errors import SettingsError

REQUIRED = {"CHAT_SECRET": "env:SECRET", "LEDGER_URL": "sqlite:///a.db"}
REGION = {**REQUIRED, "CHAT_REGION": "singapore"}
ENDPOINT = {**REQUIRED, "CHAT_ENDPOINT": "http://127.0.0.1:8000"}


def read(base: Mapping[str, str] = REGION, **variables: str) -> Settings:
    """The settings of an environment; `variables` are added to it."""
    return Settings.read({**base, **variables})


def refused(base: Mapping[str, str] = REGION, **variables: str) -> str:
    with pytest.raises(SettingsError) as error:
        Settings.read({**base, **variables})
    assert str(error.value).startswith(f"{error.value.variable}: ")
    return str(error.value)


class Environment(dict[str, str]):
    """Variables, and the names of those that were asked for."""

    def __init__(self) -> None:
        super().__init__(REGION)
        self.asked: list[str] = []

    def get(self, name: str, default: object = None) -> str | None:  # type: ignore[override]
        self.asked.append(name)
        return super().get(name)


def every_variable() -> list[str]:
    environment = Environment()
    Settings.read(environment)
    return sorted(set(environment.asked))


VARIABLES = every_variable()


@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_that_is_set_to_nothing_is_not_set(name: str) -> None:
    unset = {variable: text for variable, text in ENDPOINT.items() if variable != name}
    if name in ENDPOINT:
        assert refused(unset, **{name: ""}) == refused(unset)
    elif name == "RECEIPT_KEY":
        assert read(unset, RECEIPT_KEY="").receipt_key == ""
    else:
        assert read(unset, **{name: ""}) == read(unset)


@pytest.mark.parametrize(
    ("variable", "text", "field", "value"),
    [
        *(("CHAT_ENDPOINT", "https://h", "chat_endpoint", "https://h"), ("RECEIPT_KEY", "回执", "receipt_key", "回执")),
        *(("CHAT_TIMEOUT_S", "0.5", "timeout_s", 0.5), ("SIGNATURE_LIFE_S", "7", "life_s", 7)),
        *(("CLOCK_GUARD_S", "6.25", "guard_s", 6.25), ("ATTEMPT_BOUND_S", "12.5", "bound_s", 12.5)),
        *(("WAIT_S", "0", "wait_s", 0.0), ("CHAT_CALLS_PER_SECOND", "1.5", "calls_per_second", 1.5)),
        *(("DEDUPE_WINDOW_S", "911.25", "window_s", 911.25), ("SOURCE_EPOCH", "2027, 二", "source_epoch", "2027, 二")),
        *(("HTTP_AUTH", "platform", "http_auth", "platform"), ("BASE_PATH", "/chat", "base_path", "/chat")),
        *(("DOCS", "on", "docs", True), ("INIT_EARLY", "on", "init_early", True)),
        ("KAFKA_PARTIAL_REPLIES", "on", "reports_offsets", True),
        *(("ALLOW_CLEARTEXT", "on", "allow_cleartext", True), ("EVENTS", "http", "events", {"http"})),
        ("EVENTS", "timer, sources,operator", "events", {"timer", "sources", "operator"}),
        ("CORS_ORIGINS", "https://a.b, http://[::1]:8080", "cors_origins", {"https://a.b", "http://[::1]:8080"}),
        ("CORS_ORIGINS", "capacitor://localhost", "cors_origins", {"capacitor://localhost"}),
        ("FAN_OUT_QUEUE", "ckafka:datahub-a", "fan_out_queue", "ckafka:datahub-a"),
        *(("GROUP_INTERVAL_S", "0.25", "group_interval_s", 0.25), ("PARKED_DAYS", "1.5", "parked_s", 129_600.0)),
    ],
)
def test_each_variable_sets_its_field(variable: str, text: str, field: str, value: object) -> None:
    base = REQUIRED if variable == "CHAT_ENDPOINT" else REGION
    assert getattr(read(base, **{variable: text}), field) == value


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        *(("SIGNATURE_LIFE_S", text) for text in ("1", "0", "-6", "6.0", "6s", " 6", "\uff16", "1e1", "9" * 5000)),
        ("SIGNATURE_LIFE_S", "000000000010" + "9" * 20),
        *(("CHAT_TIMEOUT_S", text) for text in ("0", "-1", "nan", "inf", "1e0", "1_0", ".5", "5.", "+1", "four")),
        *(("WAIT_S", text) for text in ("-0.1", "NaN", "Infinity", "999999999999", "0x10", "1" * 400)),
        *(("CHAT_CALLS_PER_SECOND", text) for text in ("0", "0.5", "many")),
        *(("CLOCK_GUARD_S", "-1"), ("ATTEMPT_BOUND_S", "0"), ("DEDUPE_WINDOW_S", "0"), ("DEDUPE_WINDOW_S", "x")),
        *(("PARKED_DAYS", text) for text in ("0", "0.9", "3651", "a week")),
        *(("GROUP_INTERVAL_S", text) for text in ("-1", "60.1", "1e-3", "a second")),
        *(("SOURCE_EPOCH", text) for text in ("e" * 129, "a\nb", "\x7f")),
        *(("HTTP_AUTH", "basic"), ("HTTP_AUTH", "Bearer"), ("HTTP_AUTH", "bearer,platform")),
        *(("DOCS", "yes"), ("DOCS", "ON"), ("RECEIPT_KEY", "r" * 129), ("RECEIPT_KEY", "é" * 65)),
        *(("EVENTS", text) for text in ("HTTP", "http,", "http timer", "timer,timer", "all", ",")),
        *(("CORS_ORIGINS", text) for text in ("*", "null", "https://*.a.b", "a.b", "https://A.b", "https://a.b/", ",")),
        *(("CORS_ORIGINS", text) for text in ("https://a.b:443", "http://a.b:80", "https://u@a.b", "https://a.b,")),
        *(("BASE_PATH", text) for text in ("/a b", "/a?b", "//a", "/a//b", "http://host/a", "/é")),
        *(("CHAT_ENDPOINT", text) for text in ("host", "ftp://host", "http://", "http:///a", "http://h:x")),
        *(("CHAT_ENDPOINT", f"http://{host}") for host in ("h%2fevil", "h;evil", "h|evil", "[", "h^", "%40", "u@h")),
        *(("CHAT_ENDPOINT", f"http://{host}") for host in ("h:0", "u:p@h", "h?a=b", "h?", "h#a", "h h", "[::1")),
        *((variable, "\udc80") for variable in VARIABLES),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_variable(variable: str, text: str) -> None:
    problem = refused(ENDPOINT, **{variable: text})
    assert problem.startswith(f"{variable}: ")
    assert ("must " in problem) is (text != "\udc80")


@pytest.mark.parametrize("variable", ["CHAT_SECRET", "LEDGER_URL"])
def test_what_has_no_default_is_required(variable: str) -> None:
    base = {name: text for name, text in REGION.items() if name != variable}
    assert refused(base) == f"{variable}: is required"


def test_a_region_or_an_endpoint_is_required() -> None:
    assert refused(REQUIRED) == "CHAT_REGION: is required, unless CHAT_ENDPOINT is given"


@pytest.mark.parametrize("region", ["China", "mumbai", " china", "https://console.tim.qq.com"])
@pytest.mark.parametrize("base", [REGION, ENDPOINT])
def test_another_region_is_refused_by_name(base: Mapping[str, str], region: str) -> None:
    """Beside an endpoint too, where it would have gone unnoticed until the endpoint is taken away."""
    choices = "china, singapore, seoul, tokyo, frankfurt, silicon-valley, jakarta, riyadh"
    problem = refused(base, CHAT_REGION=region, WAIT_S="soon")
    assert problem.startswith(f"CHAT_REGION: must be one of {choices}; WAIT_S: ")


def test_all_that_is_wrong_is_named_in_one_error() -> None:
    problem = refused({}, WAIT_S="soon", DOCS="maybe")
    assert problem.startswith("CHAT_SECRET: is required; LEDGER_URL: is required; WAIT_S: must be a number")
    assert problem.endswith("; DOCS: must be on or off")


def test_values_that_may_be_secret_are_shown_nowhere() -> None:
    slip = {"CHAT_SECRET": "hunter2", "LEDGER_URL": "redis://:hunter2@host", "CHAT_ENDPOINT": "http://u:hunter2@host"}
    assert "hunter2" not in refused(slip)
    assert "hunter2" not in repr(read({**slip, "CHAT_ENDPOINT": "https://host"}))


@pytest.mark.parametrize(
    ("variable", "allowed", "refused_text", "problem"),
    [
        ("CHAT_TIMEOUT_S", "10.9", "11", "less than SIGNATURE_LIFE_S + CLOCK_GUARD_S, which is 11"),
        ("ATTEMPT_BOUND_S", "4", "3.9", "at least CHAT_TIMEOUT_S, which is 4"),
        ("CLOCK_GUARD_S", "5", "4.9", "at least 5, unless CHAT_ENDPOINT is a host that is not the vendor's"),
        ("DEDUPE_WINDOW_S", "911", "910.9", "at least SIGNATURE_LIFE_S + CLOCK_GUARD_S + 900, which is 911"),
    ],
)
def test_settings_that_contradict_are_refused(variable: str, allowed: str, refused_text: str, problem: str) -> None:
    """The bounds belong to what is allowed."""
    assert isinstance(read(REGION, **{variable: allowed}), Settings)
    assert refused(REGION, **{variable: refused_text}) == f"{variable}: must be {problem}"


def test_against_an_endpoint_a_small_guard_is_allowed() -> None:
    """Tests and the sandbox want short signatures; the bound follows life and guard."""
    assert read(ENDPOINT, CLOCK_GUARD_S="0", SIGNATURE_LIFE_S="5").bound_s == 5
    assert read(SIGNATURE_LIFE_S="8", CLOCK_GUARD_S="6.5").bound_s == 14.5


@pytest.mark.parametrize(
    ("host", "is_the_vendors"),
    [
        *(("console.tim.qq.com", True), ("adminapisgp.im.qcloud.com", True), ("ADMINAPI.MY-IMCLOUD.COM.", True)),
        *(("a.my-cpaas.com:443", True), ("tim.qq.com", True), ("qcloud.com", True)),
        *(("nottim.qq.com", False), ("qcloud.com.evil.example", False), ("myqcloud.com", False), ("qq.com", False)),
        ("127.0.0.1", False),
    ],
)
def test_an_endpoint_of_the_vendors_is_a_region(host: str, is_the_vendors: bool) -> None:
    """With all that holds for one: a region that has no name here yet, or a second host of one that has."""
    small = {"CHAT_ENDPOINT": f"https://{host}", "CLOCK_GUARD_S": "4.9"}
    if is_the_vendors:
        assert refused(REQUIRED, **small).startswith("CLOCK_GUARD_S: must be at least 5, unless CHAT_ENDPOINT is ")
    else:
        assert read(REQUIRED, **small).guard_s == 4.9
    quick = read(REQUIRED, CHAT_ENDPOINT=f"https://{host}", CHAT_TIMEOUT_S="3")
    assert [warning.partition(":")[0] for warning in quick.warnings] == ["CHAT_TIMEOUT_S"] * is_the_vendors


@pytest.mark.parametrize(
    ("url", "is_in_the_clear"),
    [
        *((f"http://{host}", False) for host in ("127.0.0.1:80", "127.255.0.9/a", "localhost", "LocalHost.")),
        ("http://[::1]:1", False),
        *(("https://host", False), ("https://10.0.0.1", False)),
        *((f"http://{host}", True) for host in ("host", "10.0.0.1", "128.0.0.1", "localhost.example")),
        *((f"http://{host}", True) for host in ("notlocalhost", "[::2]", "127.1", "console.tim.qq.com")),
    ],
)
def test_clear_text_stays_on_the_machine_unless_it_is_allowed(url: str, is_in_the_clear: bool) -> None:
    if is_in_the_clear:
        clear = "CHAT_ENDPOINT: is in clear text, and its host is not this machine: use TLS, or set ALLOW_CLEARTEXT=on"
        assert refused(REQUIRED, CHAT_ENDPOINT=url) == clear
    warnings = read(REQUIRED, CHAT_ENDPOINT=url, ALLOW_CLEARTEXT="on").warnings
    assert [warning[:30] for warning in warnings] == ["CHAT_ENDPOINT: is in clear tex"] * is_in_the_clear


@pytest.mark.parametrize(("base", "timeout_s", "warned"), [(REGION, "3", 1), (REGION, "3.1", 0), (ENDPOINT, "1", 0)])
def test_a_timeout_below_the_apis_own_is_warned_of(base: dict[str, str], timeout_s: str, warned: int) -> None:
    assert len(read(base, CHAT_TIMEOUT_S=timeout_s).warnings) == warned


@pytest.mark.parametrize(
    ("variables", "weaker"),
    [({}, False), ({"ATTEMPT_BOUND_S": "11"}, False), ({"ATTEMPT_BOUND_S": "10.9"}, True), ({"RECEIPT_KEY": ""}, True)],
)
def test_the_weaker_promise_is_known(variables: dict[str, str], weaker: bool) -> None:
    assert read({**REGION, **variables}).has_weaker_promise is weaker


@pytest.mark.parametrize(
    ("text", "path"), [("/chat", "/chat"), ("chat/", "/chat"), ("/a/b-c.d_e~1/", "/a/b-c.d_e~1"), ("/", "")]
)
def test_a_base_path_has_one_leading_slash_and_none_at_its_end(text: str, path: str) -> None:
    assert read(BASE_PATH=text).base_path == path


@pytest.mark.parametrize("text", ["https://host", "https://host/", "https://host:8000/base/", "http://[::1]:8000"])
def test_an_endpoint_has_no_slash_at_its_end(text: str) -> None:
    """A path of the API is put behind it."""
    assert read(ENDPOINT, CHAT_ENDPOINT=text).chat_endpoint == text.rstrip("/")
