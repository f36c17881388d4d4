"""Hashed names: as hashlib has them, whatever their length, salt and iterations."""

from __future__ import annotations

import base64

import dns.name
from hypothesis import given
from hypothesis import strategies as st

from datasrc.nsec3 import Parameters, hashed_key
from image.sha1 import NameHasher

labels = st.lists(st.binary(min_size=1, max_size=63), max_size=4).filter(lambda parts: sum(map(len, parts)) < 240)


@given(parts=labels, salt=st.binary(max_size=255), iterations=st.integers(0, 3), wildcard=st.booleans())
def test_the_hash_is_that_of_rfc_5155(parts, salt, iterations, wildcard):
    name = dns.name.Name([*parts, b""])
    octets = name.to_wire() or b""
    hasher = NameHasher(1)
    hasher.attach(memoryview(octets))
    hasher.read(0, len(octets))
    hasher.set_salt(salt)
    expected = dns.name.Name([b"*", *parts, b""]) if wildcard else name
    digest = hasher.hash_of(len(parts), wildcard, iterations)
    key = hashed_key(expected, Parameters(1, iterations, salt))
    assert base64.b32hexencode(digest).lower() + b"\0" == key
