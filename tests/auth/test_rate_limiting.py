"""The table of buckets, against a model that counts in fractions."""

from __future__ import annotations

import ipaddress
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.rate_limit_numbers import ALL, ANSWERS, BUCKET_OCTETS, DROP, ERRORS, NXDOMAINS, SECOND, SEND, SLIP
from auth.rate_limiting import RateLimiter
from auth.rate_limits import LimitTable
from auth.settings import RateLimitSettings

BEGIN = 1_000 * SECOND
EXACT = [1, 2, 4, 5, 8, 10, 100]  # rates that divide a second in whole nanoseconds


def limiter(*, buckets=64, window=2, slip=2, bits=(24, 56), **limits: int) -> RateLimiter:
    table = RateLimiter(1, 2, memoryview(bytearray(BUCKET_OCTETS * buckets)))
    for kind, rate in {"answers": 0, **limits}.items():
        table.limit({"answers": ANSWERS, "nxdomains": NXDOMAINS, "errors": ERRORS, "all": ALL}[kind], rate)
    table.shape(window * SECOND, slip, *bits)
    return table


def ask(table: RateLimiter, address: str, now: float, *, kind=ANSWERS, name=7) -> int:
    packed = ipaddress.ip_address(address).packed
    table.attach(memoryview(b"xy" + packed))
    return table.decide(2, len(packed), kind, name, BEGIN + int(now * SECOND))


class Model:
    """A bucket as BIND describes it: credit of a second, debt of a window."""

    def __init__(self, rate: int, window: int, slip: int) -> None:
        self.rate, self.window, self.slip = rate, window, slip
        self.balance, self.at, self.dropped = Fraction(rate), 0, 0

    def decide(self, now: int) -> int:
        earned = Fraction(now - self.at, SECOND) * self.rate
        self.balance, self.at = min(self.balance + earned, Fraction(self.rate)), now
        self.balance = max(self.balance - 1, Fraction(-self.window * self.rate))
        if self.balance >= 0:
            self.dropped = 0
            return SEND
        self.dropped += 1
        if self.slip and self.dropped >= self.slip:
            self.dropped = 0
            return SLIP
        return DROP


@given(
    st.sampled_from(EXACT),
    st.integers(1, 5),
    st.integers(0, 10),
    st.lists(st.integers(0, 2 * SECOND) | st.integers(0, 1000), max_size=120),
)
def test_a_bucket_is_what_the_model_is(rate, window, slip, pauses):
    table, model = limiter(answers=rate, window=window, slip=slip), Model(rate, window, slip)
    now = 0
    for pause in pauses:
        now += pause
        packed = ipaddress.ip_address("192.0.2.1").packed
        table.attach(memoryview(packed))
        assert table.decide(0, 4, ANSWERS, 1, BEGIN + now) == model.decide(now)


def test_a_second_of_responses_then_every_other_slips_and_after_the_window_it_is_well_again():
    table = limiter(answers=10, window=3)
    assert [ask(table, "192.0.2.1", 0) for _ in range(10)] == [SEND] * 10
    assert [ask(table, "192.0.2.200", 0) for _ in range(40)] == [DROP, SLIP] * 20
    assert ask(table, "192.0.2.1", 2.9) == DROP
    assert ask(table, "192.0.2.1", 6.1) == SEND


@pytest.mark.parametrize(("slip", "expected"), [(0, [DROP] * 6), (1, [SLIP] * 6), (3, [DROP, DROP, SLIP] * 2)])
def test_slip(slip, expected):
    table = limiter(answers=1, slip=slip)
    assert ask(table, "192.0.2.1", 0) == SEND
    assert [ask(table, "192.0.2.1", 0) for _ in range(6)] == expected


def test_it_tells_when_limiting_begins():
    table = limiter(answers=1)
    told = []
    for now in (0, 0, 0, 10, 10):
        ask(table, "192.0.2.1", now)
        told.append(table.began)
    assert told == [0, 1, 0, 0, 1]


@pytest.mark.parametrize(
    ("bits", "first", "second", "together"),
    [
        ((24, 56), "192.0.2.1", "192.0.2.255", True),
        ((24, 56), "192.0.2.1", "192.0.3.1", False),
        ((32, 56), "192.0.2.1", "192.0.2.2", False),
        ((1, 1), "128.0.0.0", "192.0.2.2", True),
        ((24, 56), "2001:db8:1:2ff::1", "2001:db8:1:200:5::1", True),
        ((24, 56), "2001:db8:1:200::1", "2001:db8:1:300::1", False),
        ((24, 64), "2001:db8:1:200::1", "2001:db8:1:201::1", False),
        ((24, 64), "2001:db8:1:200::1", "2001:db8:1:200:ffff::1", True),
        ((24, 56), "0.0.2.1", "::0.0.2.1", False),
    ],
)
def test_networks(bits, first, second, together):
    table = limiter(answers=1, slip=0, bits=bits)
    assert ask(table, first, 0) == SEND
    assert ask(table, second, 0) == (DROP if together else SEND)


def test_kinds_and_names_have_buckets_of_their_own():
    table = limiter(answers=1, nxdomains=1)
    assert ask(table, "192.0.2.1", 0) == ask(table, "192.0.2.1", 0, name=8) == SEND
    assert ask(table, "192.0.2.1", 0, kind=NXDOMAINS) == SEND
    assert [ask(table, "192.0.2.1", 0, kind=ERRORS) for _ in range(5)] == [SEND] * 5
    assert ask(table, "192.0.2.1", 0) == ask(table, "192.0.2.1", 0, kind=NXDOMAINS) == DROP


def test_over_the_limit_for_everything_nothing_slips():
    table = limiter(answers=5, all=3, slip=1)
    assert [ask(table, "192.0.2.1", 0, name=name) for name in range(6)] == [SEND] * 3 + [DROP] * 3


@pytest.mark.parametrize(
    ("network", "address", "exempt"),
    [
        ("192.0.2.0/25", "192.0.2.127", True),
        ("192.0.2.0/25", "192.0.2.128", False),
        ("192.0.2.1/32", "192.0.2.1", True),
        ("2001:db8::/32", "2001:db8:ffff::1", True),
        ("2001:db8::5/128", "2001:db8::5", True),
        ("2001:db8::5/128", "2001:db8::6", False),
        ("0.0.0.0/0", "198.51.100.1", True),
        ("0.0.0.0/0", "2001:db8::6", False),
        ("::/0", "198.51.100.1", False),
        ("::/0", "2001:db8::6", True),
    ],
)
def test_exempt_networks(network, address, exempt):
    table = LimitTable(RateLimitSettings(answers=1, slip=0, exempt=("203.0.113.1", network))).limiter()
    outcomes = {ask(table, address, 0) for _ in range(3)}
    assert outcomes == ({SEND} if exempt else {SEND, DROP})


def test_a_full_table_forgets_who_was_idle_longest():
    table = limiter(answers=1, buckets=4, window=60)
    for name in range(4):
        assert ask(table, "192.0.2.1", name / 10, name=name) == SEND
    assert table.evicted == 0
    assert ask(table, "192.0.2.1", 0.5, name=4) == SEND
    assert table.evicted == 1  # 0 was not idle for a second
    assert ask(table, "192.0.2.1", 0.5, name=1) == DROP
    assert ask(table, "192.0.2.1", 0.5, name=0) == SEND
    assert ask(table, "192.0.2.1", 100, name=9) == SEND
    assert table.evicted == 2


@pytest.mark.parametrize("buckets", [0, 2, 5, 12])
def test_tables_have_a_size_that_is_a_power_of_two(buckets):
    with pytest.raises(ValueError, match="power of two"):
        RateLimiter(1, 2, memoryview(bytearray(BUCKET_OCTETS * buckets)))


@pytest.mark.parametrize("shape", [(SECOND, 11, 24, 56), (SECOND, 2, 33, 56), (SECOND, 2, 24, 0), (SECOND, 2, 24, 65)])
def test_shapes_that_are_refused(shape):
    with pytest.raises(ValueError, match=r"(is|are) not"):
        RateLimiter(1, 2, memoryview(bytearray(BUCKET_OCTETS * 4))).shape(*shape)


def test_limiters_over_one_table_count_together():
    """Each thread of a process has its own."""
    settings = RateLimitSettings(answers=4, slip=0)
    table = LimitTable(settings)
    one, other = table.limiter(), table.limiter()
    assert [ask(each, "192.0.2.1", 0) for each in (one, other, one, one, other, one)] == [SEND] * 4 + [DROP] * 2
    assert ask(LimitTable(settings).limiter(), "192.0.2.1", 0) == SEND


@given(st.binary(max_size=255))
def test_a_name_has_the_same_number_with_an_object_and_without(name):
    table = limiter()
    table.attach_names(memoryview(name))
    assert table.name_number(len(name)) == table.hashed_octets(name)
