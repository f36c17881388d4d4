"""TSIG keys of a running suite: made, used, changed and removed by bobctl, never shown again."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject
from tests.kit.dnsreply import Reply
from tests.kit.suite import DEADLINE, Suite, wait_until
from tests.kit.tsigning import Signer

ZONE = "$TTL 300\n@ SOA ns host 1 7200 900 604800 60\n@ NS ns\nns A 192.0.2.1\n"
ACL = "{query_acl: [{action: ACCEPT, key: partner.example}, {action: REJECT}]}"


def rcode(suite: Suite, signer: Signer | None = None) -> str:
    query = packet.query("example.org.", "SOA")
    reply = Subject(("127.0.0.1",), suite.port).send(query if signer is None else signer.sign(query))
    assert reply is not None
    return Reply.read(reply).rcode


def test_a_key_is_made_used_changed_and_removed(running: Suite):
    loaded = running.program("loadzone", "--state-dir", str(running.state), "example.org", "-", input_text=ZONE)
    assert loaded.returncode == 0, loaded.stderr
    wait_until(lambda: rcode(running) == "NOERROR", DEADLINE, "the zone is served")

    made = running.bobctl("key", "add", "Partner.Example.")
    assert made.returncode == 0, made.stderr
    algorithm, _, secret = made.stdout.strip().split(":")
    assert algorithm == "hmac-sha256"
    file = running.state / "keys" / "partner.example.key"
    assert (file.read_text().strip(), stat.S_IMODE(file.stat().st_mode)) == (secret, 0o600)
    running.control("config", "set", "zones.example.org", ACL)
    running.control("config", "commit", "-m", "the partner may ask")
    partner = Signer("partner.example.", base64.b64decode(secret))
    assert rcode(running, partner) == "NOERROR"
    assert rcode(running) == "REFUSED"
    assert rcode(running, Signer("partner.example.", b"a guess")) == "NOTAUTH"
    running.says("AUTH_TSIG_BAD")

    told = running.bobctl("explain", "example.org", "SOA", "--key", "partner.example").stdout
    assert "NOERROR" in told
    assert "REFUSED" in running.bobctl("explain", "example.org", "SOA").stdout
    assert running.bobctl("explain", "example.org", "SOA", "--key", "nobody.example").returncode == 3

    assert running.bobctl("key", "add", "partner.example").returncode == 4  # it is there
    in_use = running.bobctl("key", "remove", "partner.example")
    assert (in_use.returncode, "query_acl" in in_use.stderr) == (5, True)
    assert rcode(running, partner) == "NOERROR"

    listed = running.control("key", "list")["keys"]
    assert [(one["name"], one["algorithm"], one["secret_file"]) for one in listed] == [
        ("partner.example", "hmac-sha256", str(file))
    ]
    other = base64.b64encode(b"x" * 32).decode()
    file.write_text(f"{other}\n")
    running.control("config", "set", "auth.identity", "here")
    running.control("config", "commit", "-m", "what is noticed on the way is as good as a reload")
    assert rcode(running, partner) == "NOTAUTH"
    assert rcode(running, Signer("partner.example.", b"x" * 32)) == "NOERROR"

    running.control("config", "unset", "zones.example.org")
    running.control("config", "commit", "-m", "everybody may ask")
    assert running.bobctl("key", "remove", "partner.example").returncode == 0
    assert rcode(running, Signer("partner.example.", b"x" * 32)) == "NOTAUTH"
    assert rcode(running) == "NOERROR"
    assert file.exists()
    counted = running.control("call", "auth", "statistics")["counters"]
    assert set(counted) >= {"tsig.badkey", "tsig.badsig", "response.tsig"}

    everything = running.log.read_text() + running.bobctl("config", "history", "--changes").stdout
    everything += running.bobctl("audit").stdout + running.bobctl("key", "list").stdout
    assert secret not in everything
    assert other not in everything


def test_a_key_that_is_refused_leaves_no_file(running: Suite):
    """The name is too long for a signed reply of 512 octets; cfgmgr does not know, auth does."""
    name = ".".join(["k" * 60] * 3)
    refused = running.bobctl("key", "add", name)
    assert (refused.returncode, "123 octets" in refused.stderr) == (5, True)
    assert list(Path(running.state / "keys").iterdir()) == []
    assert running.control("key", "list")["keys"] == []
