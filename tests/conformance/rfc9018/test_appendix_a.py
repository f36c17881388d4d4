"""The examples of the text."""

from __future__ import annotations

import ipaddress

import pytest

from auth.cookie_format import UNTIMELY, VALID
from auth.cookie_secrets import CookieSecrets
from auth.cookies import CookieJar
from tests.conformance.lines import line
from tests.kit.cookies import OLD_SECRET, SECRET

NEXT_SECRET = bytes.fromhex("445536bcd2513298075a5d379663c962")


def checked(secrets: list[bytes], address: str, asked: str, now: int) -> tuple[int, str]:
    """What a cookie is, and which one the reply has."""
    jar = CookieJar()
    CookieSecrets(tuple(secrets)).install(jar, now)
    content = bytes.fromhex(asked)
    packed = ipaddress.ip_address(address).packed
    jar.attach(memoryview(content), memoryview(packed))
    return jar.check(0, len(content), 0, len(packed), now), bytes(jar.cookie).hex()


@line("CKE-12")
def test_a_1_learning_a_new_server_cookie():
    _, given = checked([SECRET], "198.51.100.100", "2464c4abcf10c957", 1559731985)
    assert given == "2464c4abcf10c957010000005cf79f111f8130c3eee29480"


@line("CKE-12", "CKE-10")
def test_a_2_the_same_client_learning_a_renewed_one():
    asked = "2464c4abcf10c957010000005cf79f111f8130c3eee29480"
    found, given = checked([SECRET], "198.51.100.100", asked, 1559734385)
    assert found == VALID
    assert given == "2464c4abcf10c957010000005cf7a871d4a564a1442aca77"


@line("CKE-12", "CKE-09")
def test_a_3_another_client_learning_a_renewed_one():
    """The reserved octets are not 0. In the text it is accepted at an age that section 4.3 would not have."""
    asked = "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5"
    assert checked([SECRET], "203.0.113.203", asked, 1559727985) == (VALID, asked)
    found, given = checked([SECRET], "203.0.113.203", asked, 1559734700)
    assert found == UNTIMELY
    assert given == "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e"


@line("CKE-12", "CKE-11")
@pytest.mark.parametrize("accepted", [[NEXT_SECRET, OLD_SECRET], [NEXT_SECRET, SECRET, OLD_SECRET]])
def test_a_4_ipv6_and_a_secret_that_rolled_over(accepted: list[bytes]):
    asked = "22681ab97d52c298010000005cf7c57926556bd0934c72f8"
    found, given = checked(accepted, "2001:db8:220:1:59de:d0f4:8769:82b8", asked, 1559741961)
    assert found == VALID
    assert given == "22681ab97d52c298010000005cf7c609a6bb79d16625507a"
