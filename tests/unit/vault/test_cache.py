"""The secret is fetched when it has to be, by one thread at a time, and kept where fetching fails."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from handler.core.errors import CounterError, SecretUnavailable, SettingsError
from handler.core.ports.system import Notice
from handler.core.ports.vault import Secret
from handler.vault.cache import CachedVault
from tests.e2e.watching import wait_for
from tests.unit.triggers.stage import Told


class HandClock:
    """Time that stands still until a test moves it; `frozen_s` have passed only on the calendar."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.frozen_s = 0.0

    def now(self) -> float:
        return self.seconds + self.frozen_s

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class Store:
    """A place that holds a secret's text, counts how often it is asked, and can be out of order."""

    def __init__(self) -> None:
        self.text = "1"
        self.failure: CounterError | None = None
        self.fetches = 0
        self.meanwhile: Callable[[], object] = bool

    def fetch(self) -> str:
        self.fetches += 1
        self.meanwhile()
        if self.failure is not None:
            raise self.failure
        return self.text


def parse(text: str) -> Secret:
    """A secret whose app is the text; a text that is no number is a wrong secret."""
    if not text.isdigit():
        raise SettingsError("CHAT_SECRET", "sdkappid of the secret: wrong")
    return Secret(int(text), "administrator", "key")


class Fixture:
    """A vault over a store, with the clock that it goes by and the failures that it told of."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.store = Store()
        self.told = Told()
        self.vault = CachedVault(self.store.fetch, parse, self.clock, self.told)


@pytest.fixture
def fixture() -> Fixture:
    return Fixture()


def test_the_secret_is_fetched_once_in_a_minute(fixture: Fixture) -> None:
    assert fixture.vault.current().sdkappid == 1
    fixture.store.text = "2"
    fixture.clock.sleep(59)
    assert fixture.vault.current().sdkappid == 1
    fixture.clock.sleep(1)
    assert fixture.vault.current().sdkappid == 2
    assert fixture.store.fetches == 2


@pytest.mark.parametrize(("frozen_s", "slept_s"), [(60, 0), (-3600, 60)], ids=["frozen", "calendar set back"])
def test_a_secret_ages_by_either_clock(fixture: Fixture, frozen_s: float, slept_s: float) -> None:
    fixture.vault.current()
    fixture.store.text = "2"
    fixture.clock.frozen_s = frozen_s
    fixture.clock.sleep(slept_s)
    assert fixture.vault.current().sdkappid == 2


def test_a_failed_first_fetch_is_repeated_after_a_second(fixture: Fixture) -> None:
    """Many calls that wait for it would each wait as long as it takes to fail."""
    fixture.store.failure = SecretUnavailable("gone")
    for _ in range(3):
        with pytest.raises(SecretUnavailable, match="gone"):
            fixture.vault.current()
    assert fixture.store.fetches == 1
    fixture.store.failure = None
    fixture.clock.sleep(1)
    assert fixture.vault.current().sdkappid == 1


def test_a_first_secret_that_is_wrong_says_so(fixture: Fixture) -> None:
    fixture.store.text = "wrong"
    with pytest.raises(SettingsError, match="sdkappid"):
        fixture.vault.current()


@pytest.mark.parametrize("broken", ["unreachable", "wrong"])
def test_the_old_secret_is_kept_where_a_later_fetch_fails(fixture: Fixture, broken: str) -> None:
    """Whether the store is out of order or what it holds is wrong; somebody is told."""
    fixture.vault.current()
    fixture.store.text = "wrong"
    fixture.store.failure = SecretUnavailable("gone") if broken == "unreachable" else None
    fixture.clock.sleep(60)
    assert fixture.vault.current().sdkappid == 1
    assert (len(fixture.told.failures), fixture.told.notices) == (1, [])


def test_a_failed_fetch_is_repeated_after_thirty_seconds(fixture: Fixture) -> None:
    fixture.vault.current()
    fixture.store.failure = SecretUnavailable("gone")
    fixture.clock.sleep(60)
    fixture.vault.current()
    fixture.clock.sleep(29)
    fixture.vault.current()
    assert fixture.store.fetches == 2
    fixture.store.failure, fixture.store.text = None, "2"
    fixture.clock.sleep(1)
    assert fixture.vault.current().sdkappid == 2


@pytest.mark.parametrize("is_frozen", [False, True])
def test_a_secret_that_cannot_be_read_for_ten_minutes_is_reported_until_it_can(
    fixture: Fixture, *, is_frozen: bool
) -> None:
    """By either clock: no change of the secret arrives meanwhile, such as a caller who was dropped."""
    fixture.vault.current()
    fixture.store.failure = SecretUnavailable("gone")
    fixture.clock.sleep(570)
    fixture.vault.current()
    assert fixture.told.notices == []
    fixture.clock.frozen_s, slept_s = (30.0, 0.0) if is_frozen else (0.0, 30.0)
    fixture.clock.sleep(slept_s)
    fixture.vault.current()
    assert (fixture.told.notices, fixture.told.evidence) == ([Notice.SECRET_STALE], [{"age_s": 600}])
    fixture.store.failure = None
    fixture.clock.sleep(30)
    fixture.vault.current()
    assert (fixture.vault.age_s(), len(fixture.told.notices)) == (0, 1)


def test_a_refresh_fetches_at_once(fixture: Fixture) -> None:
    """The vendor has said that the key is wrong."""
    fixture.vault.current()
    fixture.store.text = "2"
    assert fixture.vault.refresh().sdkappid == 2
    assert fixture.vault.current().sdkappid == 2


def test_a_secret_that_has_not_changed_is_the_same_one(fixture: Fixture) -> None:
    """By this others know whether there is something to try again with, or to tell."""
    known = fixture.vault.current()
    assert fixture.vault.refresh() is known
    fixture.store.text = "2"
    assert fixture.vault.refresh() is not known


def test_a_refresh_that_fails_keeps_the_old_secret(fixture: Fixture) -> None:
    fixture.vault.current()
    fixture.store.failure = SecretUnavailable("gone")
    assert fixture.vault.refresh().sdkappid == 1
    assert fixture.told.failures == [fixture.store.failure]


@pytest.mark.parametrize("works", [True, False])
def test_a_refresh_may_ask_for_a_least_age(fixture: Fixture, works: bool) -> None:
    """Unknown tokens must not become a load on the store, whether it answers or not."""
    fixture.vault.current()
    fixture.store.failure = None if works else SecretUnavailable("gone")
    fixture.clock.sleep(30)
    for _ in range(3):
        fixture.vault.refresh(min_age_s=30)
        fixture.clock.sleep(9)
    assert fixture.store.fetches == 2
    fixture.clock.sleep(3)
    fixture.vault.refresh(min_age_s=30)
    assert fixture.store.fetches == 3


def test_a_secret_that_has_just_been_loaded_is_refreshed_once(fixture: Fixture) -> None:
    """It may have been replaced since, and a caller with a new token should not have to wait for that."""
    fixture.vault.current()
    for _ in range(3):
        fixture.vault.refresh(min_age_s=30)
    assert fixture.store.fetches == 2


def test_threads_that_want_the_first_secret_share_one_fetch(fixture: Fixture) -> None:
    with ThreadPoolExecutor(8) as threads:
        secrets = list(threads.map(lambda _: fixture.vault.current(), range(32)))
    assert {secret.sdkappid for secret in secrets} == {1}
    assert fixture.store.fetches == 1


def test_threads_share_a_refresh_that_began_after_each_had_asked_for_one(fixture: Fixture) -> None:
    """One that was under way before may have read the old secret, and is not for them."""
    store = fixture.store
    fixture.vault.current()
    start = threading.Barrier(8)

    def number_the_fetches() -> None:
        store.text = str(store.fetches)
        threading.Event().wait(0.01)

    def refresh(_: int) -> bool:
        start.wait(5)
        begun = store.fetches
        return fixture.vault.refresh().sdkappid > begun

    store.meanwhile = number_the_fetches
    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(refresh, range(32)))
    assert store.fetches < 32


def test_nobody_who_has_a_secret_waits_for_another_ones_fetch(fixture: Fixture) -> None:
    """A stuck store holds up one caller; the others go on with what is known."""
    fixture.vault.current()
    with stuck(fixture) as let_go, ThreadPoolExecutor(9) as threads:
        fixture.clock.sleep(60)
        held_up = threads.submit(fixture.vault.current)
        wait_for(lambda: fixture.store.fetches == 2, "the fetch")
        assert [secret.sdkappid for secret in threads.map(lambda _: fixture.vault.current(), range(8))] == [1] * 8
        assert not held_up.done()
        fixture.store.text = "2"
        let_go()
        assert held_up.result(5).sdkappid == 2
    assert fixture.store.fetches == 2


@pytest.mark.parametrize("is_known", [True, False])
def test_who_waited_for_a_fetch_that_failed_does_not_wait_for_another(fixture: Fixture, is_known: bool) -> None:
    if is_known:
        fixture.vault.current()
    begun = fixture.store.fetches
    with stuck(fixture) as let_go, ThreadPoolExecutor(9) as threads:
        fixture.clock.sleep(60)
        first = threads.submit(outcome, fixture.vault.current)
        wait_for(lambda: fixture.store.fetches == begun + 1, "the fetch")
        others = [threads.submit(outcome, fixture.vault.refresh) for _ in range(8)]
        # Each of them has asked before the fetch fails; that they wait cannot be seen from outside.
        assert not any(other.done() for other in others)
        threading.Event().wait(0.05)
        fixture.store.failure = SecretUnavailable("stuck")
        let_go()
        expected = 1 if is_known else "stuck"
        assert [each.result(5) for each in (first, *others)] == [expected] * 9
    assert fixture.store.fetches == begun + 1


def outcome(ask: Callable[[], Secret]) -> int | str:
    """The app of the secret, or why there is none."""
    try:
        return ask().sdkappid
    except SecretUnavailable as error:
        return error.problem


@contextmanager
def stuck(fixture: Fixture) -> Iterator[Callable[[], None]]:
    """A store that answers nobody until it is let go, which happens at the end at the latest."""
    going = threading.Event()
    fixture.store.meanwhile = lambda: going.wait(5)
    try:
        yield going.set
    finally:
        going.set()
