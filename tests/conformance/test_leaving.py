"""What the loops leave is seen; of what is not answered from data it is known why they may leave it, or may not."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from auth.settings import Settings
from tests.conformance import leaving
from tests.conformance.conftest import IMAGES, Servers, watched
from tests.conformance.leaving import Rules, find_unexplained, why_left
from tests.conformance.servers import LISTED, SIGNER, TALKATIVE
from tests.image.leaving import NO_ROOM, NOBODY_VOUCHES, UNUSABLE
from tests.kit import dnspacket as packet
from tests.kit.auth_runner import zones_of
from tests.kit.dnsclient import frame
from tests.kit.dnsreply import Reply
from tests.kit.launch_auth import AuthProcess, LeftMessage

DEADLINE = 60.0  # s until a keeper vouches again
SILENCE = "no reply"
NO_ZONE = packet.query("www.elsewhere.invalid.")
LONGEST = packet.raw_name(b"x" * 63, b"y" * 63, b"z" * 63, b"u" * 61)

# Everything that gets REFUSED, or an error or silence in its place, each kind: what is asked, what the plain
# implementation says, and why the loops may leave that to it. None: they must say it themselves.
REFUSALS: dict[str, tuple[bytes, str, str | None]] = {
    "no zone": (NO_ZONE, "REFUSED", None),
    "no zone above": (packet.query("test.", "DS"), "REFUSED", None),
    "no zone, EDNS": (packet.query(".", "NS", additional=[packet.opt(flags=packet.DO)]), "REFUSED", None),
    "ACL rejects": (packet.query("www.closed.test."), "REFUSED", None),
    "ACL rejects, EDNS": (packet.query("closed.test.", "SOA", additional=[packet.opt()]), "REFUSED", None),
    "ACL rejects at the apex": (packet.query("closed.test.", "DS"), "REFUSED", None),
    "ACL drops": (packet.query("www.dropped.test."), SILENCE, None),
    "ACL drops, EDNS": (packet.query("dropped.test.", "ANY", additional=[packet.opt()]), SILENCE, None),
    "no data": (packet.query("www.empty.test."), "SERVFAIL", UNUSABLE),
    "damaged apex": (packet.query("www.broken.test."), "SERVFAIL", UNUSABLE),
    "damaged set": (packet.query("www.damaged.test."), "SERVFAIL", UNUSABLE),
    "class CH": (packet.query("version.bind.", "TXT", rdclass=packet.CH), "REFUSED", leaving.OTHER_CLASS),
    "class ANY": (packet.query("www.plain.test.", rdclass=packet.ANY), "REFUSED", leaving.OTHER_CLASS),
    "NOTIFY": (packet.query("plain.test.", "SOA", flags=packet.opcode(4)), "REFUSED", leaving.OTHER_OPCODE),
    "UPDATE": (packet.query("plain.test.", "SOA", flags=packet.opcode(5)), "REFUSED", leaving.OTHER_OPCODE),
    "STATUS": (packet.query("plain.test.", "SOA", flags=packet.opcode(2)), "NOTIMP", leaving.OTHER_OPCODE),
    "AXFR": (packet.query("plain.test.", "AXFR"), "REFUSED", leaving.NEVER_ANSWERED),
    "MAILB": (packet.query("plain.test.", 253), "NOTIMP", leaving.NEVER_ANSWERED),
    "signed, no zone": (NO_ZONE, "REFUSED", leaving.OTHER_RECORD),
    "signed, ACL rejects": (packet.query("www.closed.test."), "REFUSED", leaving.OTHER_RECORD),
    "unusual flag": (packet.query("www.closed.test.", flags=packet.AA), "REFUSED", leaving.UNUSUAL_FLAGS),
    "EDNS 1": (packet.query("www.closed.test.", additional=[packet.opt(version=1)]), "BADVERS", leaving.OTHER_VERSION),
}  # fmt: skip


OVER = [(kind, stream) for kind in REFUSALS for stream in (False, True) if stream or kind != "AXFR"]


@pytest.mark.parametrize(("kind", "stream"), OVER)
def test_of_each_refusal_the_loops_leave_what_they_may_and_no_more(
    servers: Servers, default_process: AuthProcess, form: str, kind: str, stream: bool
):
    message, said, reason = REFUSALS[kind]
    if kind.startswith("signed"):  # now: what was signed when all tests were collected is too old by now
        message = SIGNER.sign(message)
    found = left_of(default_process, message, stream=stream)
    if form == IMAGES and reason is None:
        deadline = time.monotonic() + DEADLINE
        while found and not found[0].vouched and time.monotonic() < deadline:  # the keeper hung for ten seconds
            found = left_of(default_process, message, stream=stream)
        assert found == []
        return
    (one,) = found
    assert meaning(one.reply) == said
    with servers.source.snapshot() as snapshot:
        assert why_left(snapshot, replace(one, vouched=True), Rules.of(default_process)) == reason


def test_a_refusal_may_be_left_where_there_is_no_room_to_say_why(servers: Servers, form: str):
    process = servers.get("talkative", form, zones=LISTED, settings=TALKATIVE)
    with watched(servers, process):
        nsid = packet.opt(packet.option(packet.NSID), size=512)
        (one,) = left_of(process, packet.query(LONGEST, additional=[nsid]), stream=False)
    assert meaning(one.reply) == "REFUSED"
    with servers.source.snapshot() as snapshot:
        assert why_left(snapshot, replace(one, vouched=True), Rules.of(process)) == NO_ROOM


def test_a_name_of_no_zone_may_be_left_only_while_nobody_vouches_for_that(servers: Servers, rules: Rules):
    with servers.source.snapshot() as snapshot:
        for vouched, reason in ((False, NOBODY_VOUCHES), (True, None)):
            assert why_left(snapshot, left(NO_ZONE, vouched=vouched), rules) == reason
            assert why_left(snapshot, left(REFUSALS["ACL rejects"][0], vouched=vouched), rules) is None


def test_who_may_not_ask_is_refused_by_the_loops_even_where_they_have_no_data(servers: Servers):
    rules = Rules(Settings(), zones_of({"broken.test.": LISTED["local.test."]}))
    with servers.source.snapshot() as snapshot:
        one = left(packet.query("www.broken.test."))
        assert why_left(snapshot, one, rules) == UNUSABLE
        assert why_left(snapshot, replace(one, address="192.0.2.1"), rules) is None


def test_what_the_loops_leave_is_seen_and_what_they_should_answer_is_told(
    servers: Servers, default_process: AuthProcess, rules: Rules, form: str
):
    usual, unusual = packet.query("www.plain.test."), packet.query("www.plain.test.", rdclass=packet.CH)
    found = [
        one
        for message in (unusual, usual)
        for stream in (False, True)
        for one in left_of(default_process, message, stream=stream)
    ]
    with servers.source.snapshot() as snapshot:
        told = [one.message for one in find_unexplained(snapshot, found, rules)]
    assert [one.message for one in found] == ([unusual] * 2 if form == IMAGES else [unusual] * 2 + [usual] * 2)
    assert told == ([] if form == IMAGES else [usual] * 2)


@pytest.fixture
def rules(default_process: AuthProcess) -> Rules:
    return Rules.of(default_process)


def left(message: bytes, *, vouched: bool = True) -> LeftMessage:
    """A query over UDP that got no reply."""
    return LeftMessage(message, None, False, "127.0.0.1", 53, vouched)


def left_of(process: AuthProcess, message: bytes, *, stream: bool) -> list[LeftMessage]:
    """What is left when this is asked."""
    process.left()
    if stream:
        with process.subject.connect() as talk:
            talk.write(frame(message))
            talk.read()
    else:
        process.subject.send(message)
    return [one for one in process.left() if one.message == message]


def meaning(reply: bytes | None) -> str:
    """What a reply says."""
    return SILENCE if reply is None else Reply.read(reply).rcode
