"""TSIG with others at the other end: dig, kdig and dnspython ask us; our own checker reads what NSD, Knot DNS and BIND
sign, so that what it finds right in ours is what they hold right.
"""

from __future__ import annotations

import base64
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.tsig
import pytest

from auth.keys import ALGORITHMS
from tests.conformance.loading import run_loadzone
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject
from tests.kit.dnsreply import Reply
from tests.kit.launch_auth import AuthProcess
from tests.kit.peers import LOOPBACK, PEERS, Peer
from tests.kit.tsigning import BADKEY, BADSIG, BADTIME, Signed, Signer

pytestmark = pytest.mark.system

SECRET = bytes(range(32, 96))
ENCODED = base64.b64encode(SECRET).decode()
ZONE = "$TTL 300\n@ SOA ns host 1 7200 900 604800 60\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.3\n" + "".join(
    f'big TXT "{number:03}{"x" * 90}"\n' for number in range(30)
)
DEADLINE = 60.0  # seconds for one run of a tool
# BIND cuts hmac-sha256 for `hmac-sha256-128` and keeps the name of the whole one; the registry has names of its own.
CUT = {"hmac-sha256-128", "hmac-sha384-192", "hmac-sha512-256"}
WHOLE = [algorithm for algorithm in ALGORITHMS if algorithm not in CUT]


def key_name(algorithm: str) -> str:
    return f"{algorithm}.keys.test."


@pytest.fixture(scope="module")
def zone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("zone") / "example.zone"
    file.write_text(f"$ORIGIN example.\n{ZONE}")
    return file


@pytest.fixture(scope="module")
def ours(zone: Path) -> Iterator[Subject]:
    """auth, which answers for the zone only to who has a key."""
    database = f"sqlite:///{zone.parent / 'zones.sqlite'}"
    done = run_loadzone(database, "example.", str(zone))
    assert done.returncode == 0, done.stderr
    keys: dict[str, dict[str, object]] = {
        key_name(algorithm): {"algorithm": algorithm, "secret": ENCODED} for algorithm in ALGORITHMS
    }
    keys["cut.keys.test."] = {"algorithm": "hmac-sha256", "secret": ENCODED, "shortest_mac": 16}
    acl = [{"action": "ACCEPT", "key": name.rstrip(".")} for name in keys]
    process = AuthProcess(database, listen=(LOOPBACK,), zones={"example.": acl}, keys=keys)
    yield process.subject
    process.stop()


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)
    return done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("dig") is None, reason="not installed: dig")
class TestDig:
    @pytest.mark.parametrize("algorithm", WHOLE)
    @pytest.mark.parametrize("how", ["+notcp", "+tcp"])
    def test_it_believes_our_signature(self, ours: Subject, algorithm: str, how: str):
        said = dig(ours, f"{algorithm}:{key_name(algorithm)}:{ENCODED}", how, "www.example.")
        assert "status: NOERROR" in said
        assert "192.0.2.3" in said
        assert "TSIG PSEUDOSECTION" in said
        assert "WARNING" not in said
        assert "couldn't verify" not in said.lower()

    def test_it_comes_back_over_tcp_for_what_was_too_large(self, ours: Subject):
        said = dig(ours, f"hmac-sha256:{key_name('hmac-sha256')}:{ENCODED}", "+notcp", "big.example.", "TXT")
        assert "retrying in TCP mode" in said
        assert "ANSWER: 30" in said
        assert "WARNING" not in said

    def test_a_mac_cut_to_what_the_key_permits_is_taken(self, ours: Subject):
        said = dig(ours, f"hmac-sha256-128:cut.keys.test:{ENCODED}", "www.example.")
        assert "status: NOERROR" in said
        assert "WARNING" not in said

    def test_a_mac_that_is_cut_is_refused_where_the_key_says_nothing_of_it(self, ours: Subject):
        said = dig(ours, f"hmac-sha256-128:{key_name('hmac-sha256')}:{ENCODED}", "www.example.")
        assert "status: NOTAUTH" in said
        assert "BADTRUNC" in said

    def test_it_reads_our_errors(self, ours: Subject):
        other = base64.b64encode(b"something else").decode()
        assert "BADSIG" in dig(ours, f"hmac-sha256:{key_name('hmac-sha256')}:{other}", "www.example.")
        assert "BADKEY" in dig(ours, f"hmac-sha256:nobody.test.:{ENCODED}", "www.example.")
        unsigned = run("dig", f"@{LOOPBACK}", "-p", str(ours.port), "www.example.")
        assert "status: REFUSED" in unsigned


def dig(subject: Subject, key: str, *words: str) -> str:
    return run("dig", f"@{LOOPBACK}", "-p", str(subject.port), "+tries=1", "+norecurse", "-y", key, *words)


@pytest.mark.skipif(shutil.which("kdig") is None, reason="not installed: kdig")
class TestKdig:
    @pytest.mark.parametrize("algorithm", WHOLE)
    @pytest.mark.parametrize("how", ["+notcp", "+tcp"])
    def test_it_believes_our_signature(self, ours: Subject, algorithm: str, how: str):
        said = kdig(ours, f"{algorithm}:{key_name(algorithm)}:{ENCODED}", how, "www.example.")
        assert "status: NOERROR" in said
        assert "192.0.2.3" in said
        assert "TSIG PSEUDOSECTION" in said
        assert ";; WARNING" not in said
        assert ";; ERROR" not in said

    def test_it_reads_our_errors(self, ours: Subject):
        other = base64.b64encode(b"something else").decode()
        assert "BADSIG" in kdig(ours, f"hmac-sha256:{key_name('hmac-sha256')}:{other}", "www.example.")
        assert "BADKEY" in kdig(ours, f"hmac-sha256:nobody.test.:{ENCODED}", "www.example.")


def kdig(subject: Subject, key: str, *words: str) -> str:
    return run("kdig", f"@{LOOPBACK}", "-p", str(subject.port), "+retry=0", "-y", key, *words)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_dnspython_believes_our_signature(ours: Subject, algorithm: str):
    query = dns.message.make_query("www.example.", "A")
    name = dns.name.from_text(key_name(algorithm))
    query.use_tsig({name: dns.tsig.Key(name, SECRET, algorithm)})
    reply = dns.query.udp(query, LOOPBACK, DEADLINE, ours.port)
    assert (reply.had_tsig, reply.rcode(), len(reply.answer)) == (True, dns.rcode.NOERROR, 1)


@pytest.fixture(scope="module", params=PEERS, ids=lambda peer: peer.program)
def peer(request: pytest.FixtureRequest, zone: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    """Another server with the same zone and a key."""
    kind: type[Peer] = request.param
    if not kind.is_installed():
        pytest.skip(f"not installed: {kind.program}")
    keys = {"peer.keys.test": ("hmac-sha256", ENCODED)}
    with kind(tmp_path_factory.mktemp("peer"), {"example.": zone}, keys) as port:
        yield Subject((LOOPBACK,), port)


SIGNER = Signer("peer.keys.test.", SECRET)


@pytest.mark.parametrize("additional", [[], [packet.opt()]])
def test_what_peers_sign_is_what_we_hold_right(peer: Subject, additional: list[bytes]):
    request = SIGNER.sign(packet.query("example.", "SOA", additional=additional))
    wire = peer.send(request)
    assert wire is not None
    assert Reply.read(wire).rcode == "NOERROR"
    SIGNER.check(wire, request)


def test_peers_tell_the_same_errors(peer: Subject, ours: Subject):
    name = key_name("hmac-sha256")
    for theirs, mine, error in (
        (Signer("peer.keys.test.", b"x"), Signer(name, b"x"), BADSIG),
        (Signer("nobody.test.", SECRET), Signer("nobody.test.", SECRET), BADKEY),
    ):
        for subject, signer in ((peer, theirs), (ours, mine)):
            reply = subject.send(signer.sign(packet.query("example.", "SOA")))
            assert reply is not None
            signed = Signed.read(reply)
            assert signed is not None
            assert (Reply.read(reply).rcode, signed.error, signed.mac) == ("NOTAUTH", error, b"")


def test_peers_tell_badtime_as_we_do(peer: Subject, ours: Subject, request: pytest.FixtureRequest):
    """Signed, as RFC 8945 section 5.2.3 asks, but for NSD 4.6, which leaves the MAC out."""
    by_nsd = "nsd" in request.node.name
    for subject, signer in ((peer, SIGNER), (ours, Signer(key_name("hmac-sha256"), SECRET))):
        asked = signer.sign(packet.query("example.", "SOA"), at=1_000_000_000)
        wire = subject.send(asked)
        assert wire is not None
        signed = Signed.read(wire) if by_nsd and subject is peer else signer.check(wire, asked)
        assert signed is not None
        assert (Reply.read(wire).rcode, signed.error, signed.time) == ("NOTAUTH", BADTIME, 1_000_000_000)
        assert len(signed.other) == 6
