"""`bobctl explain`: log messages, and queries."""

from __future__ import annotations

import msgspec
import pytest

from auth import api as auth
from msgq.errors import Refused
from tests.bobctl.run import bobctl
from tests.cmdctl.house import house


@pytest.mark.asyncio
async def test_a_log_message_is_explained_without_a_suite(tmp_path):
    done = await bobctl(None, "--run-dir", str(tmp_path), "explain", "AUTH_ZONE_UNUSABLE")
    assert (done.code, done.err) == (0, "")
    assert "auth" in done.out
    assert "error" in done.out
    assert "The client got" in " ".join(done.out.split())


@pytest.mark.asyncio
async def test_a_log_message_is_explained_for_programs():
    done = await bobctl(None, "explain", "CFGMGR_COMMITTED", "--json")
    assert set(done.json) == {"id", "module", "severity", "text", "explain"}
    assert done.json["module"] == "cfgmgr"


@pytest.mark.asyncio
async def test_an_unknown_message_is_not_found_and_the_nearest_is_named(tmp_path):
    done = await bobctl(None, "--run-dir", str(tmp_path), "explain", "AUTH_ZONE_UNUSABL")
    assert done.code == 3
    assert "did you mean 'AUTH_ZONE_UNUSABLE'?" in done.err


WRITTEN = auth.Written("ann", "loadzone", "new host", 1.7e9)
ZONE = auth.ExplainedZone("example.org.", "main", 3, 7, 12, "ready", "", WRITTEN)
ACL = auth.ExplainedAcl("templates.default.query_acl", "ACCEPT", 0, {"action": "ACCEPT"})
STEP = auth.ExplainedStep(
    "www.example.org.", ZONE, ACL, "exact", False, "www.example.org.", "www.example.org.", (), "www.example.org. 300 A"
)
REPLY = auth.ExplainedReply("NOERROR", "QR AA", 60, (), ("www.example.org. 300 IN A 192.0.2.1",), (), ())
PLACES = ("udp 127.0.0.1@53", "tcp 127.0.0.1@53")
EXPLAINED = auth.Explained("www.example.org.", "A", PLACES, PLACES[:1], (STEP,), ("AUTH_X: said",), REPLY)


async def explained(*words, found=EXPLAINED):
    async with house() as here:
        here.answers["auth", "explain"] = found
        done = await bobctl(here.path, "explain", *words)
        return done, [(name, arguments) for name, command, arguments in here.asked if command == "explain"]


@pytest.mark.asyncio
async def test_a_query_is_explained():
    done, asked = await explained("www.example.org")
    assert done.code == 0
    for text in (
        "www.example.org. A, from 127.0.0.1 over UDP",
        "udp 127.0.0.1@53",
        "example.org. of main, ready",
        "3, serial 7, 12 records",
        "by ann with loadzone: new host",
        'templates.default.query_acl[0] decides: {"action": "ACCEPT"}',
        "exact: ",
        "NOERROR, 60 octets, flags QR AA",
        "  www.example.org. 300 IN A 192.0.2.1",
    ):
        assert text in done.out
    assert "would be logged: AUTH_X: said" in done.err
    pretended = {"client": "127.0.0.1", "to": None, "tcp": False, "dnssec": False, "key": None}
    assert asked == [("auth/0", {"name": "www.example.org", "rdtype": "A", **pretended})]


@pytest.mark.asyncio
async def test_of_a_zone_of_a_file_the_file_is_told():
    zone = msgspec.structs.replace(ZONE, written=None, file=auth.ReadFrom("/zones/example.org.zone", 1.7e9))
    step = msgspec.structs.replace(STEP, zone=zone)
    done, _ = await explained("www.example.org", found=msgspec.structs.replace(EXPLAINED, steps=(step,)))
    assert "/zones/example.org.zone, changed 2023-11-14" in done.out
    assert "serial 7, 12 records" in done.out
    assert "3, serial" not in done.out
    assert "history" not in done.out


@pytest.mark.asyncio
async def test_a_query_is_explained_as_of_another_client_and_instance():
    words = ["example.org", "MX", "--from", "2001:db8::1", "--to", "::1@53", "--tcp", "--dnssec", "--instance", "1"]
    done, asked = await explained(*words)
    pretended = {"client": "2001:db8::1", "to": "::1@53", "tcp": True, "dnssec": True, "key": None}
    assert asked == [("auth/1", {"name": "example.org", "rdtype": "MX", **pretended})]
    assert "from 2001:db8::1 over TCP with DO" in done.out


@pytest.mark.asyncio
async def test_who_asks_an_ipv6_address_comes_from_one():
    _, asked = await explained("example.org", "--to", "::1@53")
    assert asked[0][1]["client"] == "::1"


@pytest.mark.asyncio
async def test_that_nothing_answers_is_explained():
    step = auth.ExplainedStep("www.example.org.", None, None, "", False, "", "", (), None)
    done, _ = await explained("example.org", found=auth.Explained("e.", "A", PLACES, (), (step,), (), None))
    assert "nothing that listens here: there is udp 127.0.0.1@53, tcp 127.0.0.1@53" in done.out
    assert "none here holds this name" in done.out
    assert "no reply is sent" in done.out


@pytest.mark.asyncio
async def test_an_explanation_for_programs_is_that_of_the_command():
    done, _ = await explained("www.example.org", "--json")
    assert done.json["steps"][0]["zone"]["written"]["author"] == "ann"
    assert done.json["reply"]["rcode"] == "NOERROR"


@pytest.mark.asyncio
async def test_what_cannot_be_asked_is_usage():
    done, _ = await explained("a..b", found=Refused("usage", "'a..b' is no domain name"))
    assert done.code == 2
    assert "no domain name" in done.err
