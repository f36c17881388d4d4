"""Users and tokens of REST. Passwords are kept as argon2id, tokens as a digest; both are shown to nobody.

A token is `bob_<id>_<secret>`: its secret has 256 bits of chance, so one round of SHA-256 keeps it as well as argon2
would, and checking it costs next to nothing. A password is checked at argon2's price, also for users not there.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from cmdctl.errors import RequestError
from cmdctl.limits import MAX_LABEL, MAX_PASSWORD, MAX_TOKEN_ZONES, MAX_TOKENS, MAX_USERS, MIN_PASSWORD
from cmdctl.roles import Caller, Role
from cmdctl.store import Store

PREFIX = "bob"
SECRET_OCTETS = 32
ID_OCTETS = 6
USER_NAME = re.compile(r"[a-z][a-z0-9._-]{0,31}")
_TOKEN = re.compile(r"bob_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
AUTHOR = "user:"  # before the name of a user as an author: nobody of REST is taken for an account of the machine


# Told of each change within its transaction, with names of what changed.
Note = Callable[[sqlite3.Connection, Sequence[str]], None]


def unnoted(_connection: sqlite3.Connection, _names: Sequence[str]) -> None:
    """For who keeps no audit log."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may use REST."""

    name: str
    role: Role
    created: float  # POSIX seconds
    has_password: bool


@dataclass(frozen=True, slots=True)
class Token:
    """What may be told of a token."""

    id: str
    user: str
    role: Role
    zones: tuple[str, ...] | None  # None: all
    label: str
    created: float
    expires: float | None


@dataclass(slots=True)
class Accounts:
    """All users and tokens. Blocks; raises RequestError for what cannot be done, StoreFailed."""

    store: Store
    hasher: PasswordHasher = field(default_factory=PasswordHasher)
    _nobody: str = ""

    def users(self) -> list[User]:
        """All users, by name."""
        with self.store.reading() as connection:
            rows = connection.execute("SELECT name, role, created, password FROM users ORDER BY name").fetchall()
        return [User(name, Role.of(role), created, password is not None) for name, role, created, password in rows]

    def add_user(self, name: str, role: Role, password: str | None, note: Note = unnoted) -> User:
        """Make a user; without a password only tokens let them in."""
        if not USER_NAME.fullmatch(name):
            raise RequestError("usage", f"{name[:40]!r} is no name of a user: a letter, then letters, digits, . _ -")
        hashed = None if password is None else self._hashed(password)
        now = time.time()
        with self.store.transaction() as connection:
            if connection.execute("SELECT count(*) FROM users").fetchone()[0] >= MAX_USERS:
                raise RequestError("refused", f"there are {MAX_USERS} users already")
            try:
                connection.execute("INSERT INTO users VALUES (?, ?, ?, ?)", (name, hashed, role.word, now))
            except sqlite3.IntegrityError:
                raise RequestError("conflict", f"there is a user {name} already") from None
            note(connection, [f"role {role.word}", *(["password"] if hashed is not None else [])])
        return User(name, role, now, has_password=hashed is not None)

    def change_user(self, name: str, role: Role | None, password: str | None, note: Note = unnoted) -> None:
        """Give a user another role or password. The tokens stay, and may no more than the user."""
        hashed = None if password is None else self._hashed(password)
        with self.store.transaction() as connection:
            changed = connection.execute(
                "UPDATE users SET role = coalesce(?, role), password = coalesce(?, password) WHERE name = ?",
                (None if role is None else role.word, hashed, name),
            )
            if changed.rowcount != 1:
                raise RequestError("not-found", f"there is no user {name[:40]!r}")
            named = [] if role is None else [f"role {role.word}"]
            note(connection, named if hashed is None else [*named, "password"])

    def remove_user(self, name: str, note: Note = unnoted) -> None:
        """Remove a user with all their tokens."""
        with self.store.transaction() as connection:
            if connection.execute("DELETE FROM users WHERE name = ?", (name,)).rowcount != 1:
                raise RequestError("not-found", f"there is no user {name[:40]!r}")
            note(connection, [])

    def tokens(self, user: str | None = None) -> list[Token]:
        """All tokens, or those of a user, oldest first."""
        query = (
            "SELECT id, user, role, zones, label, created, expires FROM tokens WHERE ? IN ('', user) ORDER BY created"
        )
        with self.store.reading() as connection:
            return [_token(row) for row in connection.execute(query, (user or "",)).fetchall()]

    def add_token(
        self,
        user: str,
        role: Role,
        zones: tuple[str, ...] | None,
        label: str,
        lifetime: float | None,
        note: Note = unnoted,
    ) -> tuple[Token, str]:
        """Make a token; its text is told this once."""
        if zones is not None and not 0 < len(zones) <= MAX_TOKEN_ZONES:
            raise RequestError("usage", f"a token is for 1 to {MAX_TOKEN_ZONES} zones, or for all")
        if len(label) > MAX_LABEL:
            raise RequestError("usage", f"the label is longer than {MAX_LABEL} characters")
        now = time.time()
        identity, secret = secrets.token_hex(ID_OCTETS), secrets.token_urlsafe(SECRET_OCTETS)
        token = Token(identity, user, role, zones, label, now, None if lifetime is None else now + lifetime)
        with self.store.transaction() as connection:
            found = connection.execute("SELECT role FROM users WHERE name = ?", (user,)).fetchone()
            if found is None:
                raise RequestError("not-found", f"there is no user {user[:40]!r}")
            if role > Role.of(found[0]):
                raise RequestError(
                    "refused", f"{user} has the role {found[0]}: a token of theirs may no more than that"
                )
            if connection.execute("SELECT count(*) FROM tokens").fetchone()[0] >= MAX_TOKENS:
                raise RequestError("refused", f"there are {MAX_TOKENS} tokens already")
            listed = None if zones is None else json.dumps(zones)
            values = (identity, user, _digest(secret), role.word, listed, label, now, token.expires)
            connection.execute("INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
            note(connection, [f"token {identity} of {user}"])
        return token, f"{PREFIX}_{identity}_{secret}"

    def remove_token(self, identity: str, user: str | None = None, note: Note = unnoted) -> Token:
        """Revoke a token; with `user` only one of theirs."""
        query = (
            "DELETE FROM tokens WHERE id = ? AND ? IN ('', user)"
            " RETURNING id, user, role, zones, label, created, expires"
        )
        with self.store.transaction() as connection:
            rows = connection.execute(query, (identity, user or "")).fetchall()
            if not rows:
                raise RequestError("not-found", f"there is no token {identity[:40]!r}")
            note(connection, [])
        return _token(rows[0])

    def authors(self) -> set[str]:
        """As whom configuration may be changed: all users, and those of their tokens that are for some zones."""
        narrowed = "SELECT user, id FROM tokens WHERE zones IS NOT NULL AND (expires IS NULL OR expires > ?)"
        with self.store.reading() as connection:
            users = connection.execute("SELECT name FROM users").fetchall()
            tokens = connection.execute(narrowed, (time.time(),)).fetchall()
        return {*(author_name(name) for (name,) in users), *(narrowed_author(user, token) for user, token in tokens)}

    def by_token(self, text: str) -> Caller | None:
        """Whose token this is; None where it is none. Raises RequestError for one that has expired."""
        found = _TOKEN.fullmatch(text)
        if found is None:
            return None
        query = (
            "SELECT t.hash, t.role, t.zones, t.expires, u.name, u.role"
            " FROM tokens t JOIN users u ON u.name = t.user WHERE t.id = ?"
        )
        with self.store.reading() as connection:
            row = connection.execute(query, (found[1],)).fetchone()
        if row is None or not hmac.compare_digest(row[0], _digest(found[2])):
            return None
        if row[3] is not None and row[3] <= time.time():
            raise RequestError("unauthenticated", "this token has expired")
        zones = None if row[2] is None else frozenset(json.loads(row[2]))
        return Caller(author_name(row[4]), min(Role.of(row[1]), Role.of(row[5])), row[4], found[1], zones)

    def by_password(self, name: str, password: str) -> Caller | None:
        """The user of this password; None where there is none. Takes as long for a user that is not there."""
        with self.store.reading() as connection:
            row = connection.execute("SELECT password, role FROM users WHERE name = ?", (name,)).fetchone()
        hashed = row[0] if row is not None and row[0] is not None else self._of_nobody()
        try:
            self.hasher.verify(hashed, password[:MAX_PASSWORD])
        except (VerificationError, InvalidHashError):
            return None
        return Caller(author_name(name), Role.of(row[1]), name) if row is not None and row[0] is not None else None

    def _hashed(self, password: str) -> str:
        if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
            raise RequestError("usage", f"a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters")
        return self.hasher.hash(password)

    def _of_nobody(self) -> str:
        if not self._nobody:
            self._nobody = self.hasher.hash(secrets.token_urlsafe())
        return self._nobody


def author_name(user: str) -> str:
    """As whom a user of REST changes something; users of the machine have no prefix."""
    return AUTHOR + user


def narrowed_author(user: str, token: str) -> str:
    """Who a token that is narrowed to zones changes configuration as: its user may have a candidate of wider scope."""
    return f"{author_name(user)}/{token}"


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _token(row: tuple[str, str, str, str | None, str, float, float | None]) -> Token:
    identity, user, role, zones, label, created, expires = row
    listed = None if zones is None else tuple(json.loads(zones))
    return Token(identity, user, Role.of(role), listed, label, created, expires)
