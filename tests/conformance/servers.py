"""The servers under test: how each is configured, and the data they share.

All serve one database. The default one has the defaults of auth; the others show what can be configured. `DNS_SUBJECT`
(ADDRESS@PORT) stands in for the default one; tests of configuration and loading are then skipped.
"""

from __future__ import annotations

import base64
import os
import sqlite3
from pathlib import Path
from typing import Any

from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject
from tests.kit.dnsreply import Reply
from tests.kit.tsigning import Signer

REJECT = [{"action": "REJECT"}]

# TSIG keys: one of each algorithm, all with one secret, and one whose peers may shorten their MACs.
SECRET = bytes(range(64))
ALGORITHMS = (
    "hmac-sha1",
    "hmac-sha224",
    "hmac-sha256",
    "hmac-sha256-128",
    "hmac-sha384",
    "hmac-sha384-192",
    "hmac-sha512",
    "hmac-sha512-256",
)
KEYS: dict[str, dict[str, Any]] = {f"{algorithm}.keys.test.": {"algorithm": algorithm} for algorithm in ALGORITHMS}
KEY = "hmac-sha256.keys.test."
SIGNER = Signer(KEY, SECRET)
CUT_KEY, CUT_TO = "cut.keys.test.", 18


def configured_keys() -> dict[str, dict[str, Any]]:
    """The keys, as the launcher takes them."""
    secret = base64.b64encode(SECRET).decode()
    keys = {name: {**key, "secret": secret} for name, key in KEYS.items()}
    return {**keys, CUT_KEY: {"algorithm": "hmac-sha256", "secret": secret, "shortest_mac": CUT_TO}}


# Zones that the configuration lists. empty.test has no data in any data source.
LISTED: dict[str, list[dict[str, Any]]] = {
    "empty.test.": [{"action": "ACCEPT"}],
    "closed.test.": REJECT,
    "dropped.test.": [{"action": "DROP"}],
    "local.test.": [{"action": "ACCEPT", "from": "127.0.0.0/8"}, *REJECT],
}

# So long that beside it and the longest question an extended error does not fit into 512 octets.
NSID = "kit-server-" + "x" * 213

# Says all that can be said.
TALKATIVE = {
    "minimal_responses": False,
    "any_answer": "hinfo",
    "any_ttl": 120,
    "nsid": NSID,
    "version": "a version",
    "server_id": "an identity",
}

# Short of time and of room.
HASTY: dict[str, Any] = {
    "connections": 20,
    "connections_per_client": 5,
    "idle_timeout": 1.5,
    "message_timeout": 0.5,
    "write_timeout": 0.5,
}


# Answers no client that knows cookies and has none of ours; the secret was another one before.
REQUIRING = {"cookies": {"required": True}}

# Limits the rate of responses.
LIMITING: dict[str, Any] = {"rate_limit": {"enabled": True, "answers": 50, "errors": 5, "slip": 2}}


def cookie_in(reply: Reply) -> bytes:
    """The content of the one COOKIE option of a reply."""
    assert reply.opt is not None
    (content,) = reply.opt.values(packet.COOKIE)
    return content


def foreign_subject() -> Subject | None:
    """The server that DNS_SUBJECT names, several addresses of it separated by commas."""
    named = os.environ.get("DNS_SUBJECT")
    if named is None:
        return None
    addresses, _, port = named.rpartition("@")
    return Subject(tuple(addresses.split(",")), int(port))


def damage(database: Path) -> None:
    """What no writer of ours does: broken.test loses its SOA, one set of damaged.test becomes noise."""
    connection = sqlite3.connect(database)
    with connection:
        find = "zone = (SELECT id FROM zones WHERE origin = ?)"
        broken = connection.execute(f"DELETE FROM rrsets WHERE type = 6 AND {find}", (b"\6broken\4test\0",))
        noise = "UPDATE rrsets SET rdatas = x'ffffffff' WHERE type = 1 AND length(key) > 0 AND"
        damaged = connection.execute(f"{noise} {find}", (b"\7damaged\4test\0",))
        assert (broken.rowcount, damaged.rowcount) == (1, 1)
    connection.close()
