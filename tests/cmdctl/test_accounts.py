"""What is kept of passwords and tokens, on the disk and as the suite keeps it."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3

import argon2
import pytest

from cmdctl.accounts import Accounts
from cmdctl.roles import Role
from cmdctl.store import Store

PASSWORD = "correct horse"
# RFC 9106, section 4, has 64 MiB and 3 passes with 4 lanes for where memory is scarce (its second recommended option).
LEAST_MEMORY, LEAST_PASSES = 64 * 1024, 3  # KiB


@pytest.fixture
def kept(tmp_path):
    """Accounts of the real strength, and how to look into their file."""

    def octets():
        return b"".join(path.read_bytes() for path in sorted(tmp_path.iterdir()) if path.is_file())

    with contextlib.closing(Store(tmp_path)) as store:
        yield Accounts(store), tmp_path / "cmdctl.sqlite", octets


def row(file, statement):
    with contextlib.closing(sqlite3.connect(file)) as connection:
        return connection.execute(statement).fetchone()[0]


def test_a_password_is_kept_as_argon2id_of_the_strength_that_is_recommended(kept):
    accounts, file, octets = kept
    accounts.add_user("ann", Role.ADMIN, PASSWORD)
    hashed = row(file, "SELECT password FROM users")
    strength = argon2.extract_parameters(hashed)
    assert strength.type is argon2.Type.ID
    assert (strength.memory_cost >= LEAST_MEMORY, strength.time_cost >= LEAST_PASSES) == (True, True)
    found = accounts.by_password("ann", PASSWORD)
    assert found is not None
    assert found.name == "user:ann"
    assert accounts.by_password("ann", PASSWORD + "s") is None
    assert PASSWORD.encode() not in octets()


def test_a_token_is_shown_once_and_kept_as_a_digest(kept):
    accounts, file, octets = kept
    accounts.add_user("ann", Role.ADMIN, None)
    token, text = accounts.add_token("ann", Role.READ, None, "laptop", None)
    secret = text[-43:]  # it may have any sign of base64, the one in front of it too
    assert text[:-43].endswith(f"{token.id}_")  # 256 bits in base64 follow
    assert len(row(file, "SELECT hash FROM tokens")) == hashlib.sha256().digest_size
    assert secret.encode() not in octets()
    assert secret not in repr(accounts.tokens(None)) + repr(token)
    assert accounts.by_token(text).token == token.id
    assert accounts.by_token(text[:-10] + "A" * 10) is None


def test_nobody_is_there_at_first(kept):
    accounts, _, _ = kept
    assert accounts.users() == []
    assert accounts.by_password("admin", "admin") is None
