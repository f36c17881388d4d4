"""The jar: what cookies are, and which one is given."""

from __future__ import annotations

import ipaddress
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.cookie_format import MALFORMED, NEW, UNTIMELY, VALID, WRONG
from auth.cookies import CookieJar
from tests.kit.cookies import CLIENT, OLD_SECRET, SECRET, cookie

NOW = 1_800_000_000
addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)
times = st.one_of(st.integers(0, 2**34), st.sampled_from([2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**32 + 5]))


def jar_with(*secrets: bytes) -> CookieJar:
    jar = CookieJar()
    jar.use([struct.unpack("<2Q", secret) for secret in secrets], 0, 2**40)
    return jar


def check(jar: CookieJar, content: bytes, address: str, now: int) -> int:
    """Check a cookie that is somewhere in a larger buffer, as is the address."""
    packed = ipaddress.ip_address(address).packed
    jar.attach(memoryview(b"x" * 7 + content + b"y"), memoryview(b"zzz" + packed))
    return jar.check(7, len(content), 3, len(packed), now)


@given(addresses, times, st.integers(-310, 3700), st.binary(min_size=8, max_size=8), st.binary(min_size=3, max_size=3))
def test_a_cookie_of_ours_is_valid_while_it_is_young(address, now, age, client, reserved):
    """Also where clocks pass 2^31 and 2^32."""
    made = cookie(address, now - age, client=client, reserved=reserved)
    jar = jar_with(SECRET)
    found = check(jar, made, address, now)
    assert found == (VALID if -300 <= age <= 3600 else UNTIMELY)
    is_kept = -300 <= age <= 1800
    assert bytes(jar.cookie) == (made if is_kept else cookie(address, now, client=client))


@given(addresses, st.integers(0, 23), st.integers(0, 7))
def test_a_cookie_with_one_bit_turned_is_not_ours(address, place, bit):
    made = bytearray(cookie(address, NOW))
    made[place] ^= 1 << bit
    jar = jar_with(SECRET, OLD_SECRET)
    assert check(jar, bytes(made), address, NOW) in (WRONG, UNTIMELY)
    assert bytes(jar.cookie) == cookie(address, NOW, client=bytes(made[:8]))


@given(addresses, addresses)
def test_a_cookie_is_for_one_address(mine, another):
    jar = jar_with(SECRET)
    assert (check(jar, cookie(mine, NOW), another, NOW) == VALID) is (
        ipaddress.ip_address(mine) == ipaddress.ip_address(another)
    )


@pytest.mark.parametrize("octets", range(60))
def test_lengths(octets):
    content = (CLIENT + bytes(60))[:octets]
    found = check(jar_with(SECRET), content, "192.0.2.1", NOW)
    assert found == (NEW if octets == 8 else WRONG if 16 <= octets <= 40 and octets != 24 else found)
    assert (found == MALFORMED) is (octets != 8 and not 16 <= octets <= 40)


def test_the_secret_before_is_accepted_and_the_first_makes():
    jar = jar_with(SECRET, OLD_SECRET)
    assert check(jar, cookie("2001:db8::1", NOW, secret=OLD_SECRET), "2001:db8::1", NOW) == VALID
    assert bytes(jar.cookie) == cookie("2001:db8::1", NOW)
    jar.use([struct.unpack("<2Q", SECRET)], 0, 2**40)
    assert check(jar, cookie("2001:db8::1", NOW, secret=OLD_SECRET), "2001:db8::1", NOW) == WRONG


@pytest.mark.parametrize("count", [0, 5])
def test_so_many_secrets_are_refused(count):
    with pytest.raises(ValueError, match=f"{count} secrets"):
        CookieJar().use([(1, 2)] * count, 0, 1)


def test_what_is_outside_the_buffers_is_an_error():
    jar = jar_with(SECRET)
    jar.attach(memoryview(CLIENT), memoryview(b"\0\0\0\0"))
    with pytest.raises(IndexError):
        jar.check(1, 8, 0, 4, NOW)
    with pytest.raises(IndexError):
        jar.check(0, 8, 1, 4, NOW)
