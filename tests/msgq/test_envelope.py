"""Whatever bytes come, the envelope gives a message or a ProtocolError."""

from __future__ import annotations

import json
import os
import string
import subprocess
import sys

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from msgq import envelope
from msgq.errors import ProtocolError

JSON_SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=20)
JSON_TREES = st.recursive(
    JSON_SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=40,
)
HEADERS: list[envelope.FromMember | envelope.FromBroker] = [
    envelope.Register(member="auth/0", pid=1, token="0" * 16),
    envelope.Leave(),
    envelope.Rename(member="auth/spare"),
    envelope.Subscribe(topic="news"),
    envelope.Unsubscribe(topic="news"),
    envelope.Call(serial=1, id="0" * 16 + "-1", to="auth", command="x", deadline=1.5),
    envelope.Forget(serial=1),
    envelope.Answer(number=1),
    envelope.Refusal(number=1, code="usage", text="no"),
    envelope.Publish(topic="news", sequence=1),
    envelope.Missed(topic="news"),
    envelope.Consumed(messages=1, bytes=1),
    envelope.Welcome(),
    envelope.Rejected(code="conflict", text="no"),
    envelope.Stranger(),
    envelope.Renamed(member="auth/1"),
    envelope.Delivery(number=1, id="0" * 16 + "-1", caller="a/0", command="x", deadline=1.5),
    envelope.Result(serial=1),
    envelope.Outcome(serial=1, kind="deadline", text="late"),
    envelope.Event(topic="news", publisher="a/0", source="0" * 16, sequence=1),
    envelope.Lost(topic="news"),
    envelope.Roster(),
]


def decode(header):
    known = (type(header),) if not isinstance(header, bytes) else ()
    is_from_member = known and known[0] in envelope.FromMember.__args__
    return (envelope.decode_from_member if is_from_member else envelope.decode_from_broker)(
        envelope.encode_header(header)
    )


@pytest.mark.parametrize("header", HEADERS, ids=lambda header: type(header).__name__)
def test_every_header_survives_the_journey(header):
    assert decode(header) == header


def test_every_header_type_is_tried():
    assert {type(header) for header in HEADERS} == {*envelope.FromMember.__args__, *envelope.FromBroker.__args__}


@settings(deadline=None)
@given(st.binary(max_size=5000))
@example(b"")
@example(b"[" * 4000)
@example(b'{"type":"call"}')
@example(b'{"type":"leave","version":2}')
@example(b'{"type":"leave","version":1,"more":1}')
@example(b'{"type":"rename","member":"a/0\\n"}')
@example(b'{"type":"rename","member":"a/' + b"0" * 4090 + b'"}')
@example(b'{"type":"answer","number":' + b"9" * 4000 + b"}")
@example(b'{"type":"leave"}\xff')
@example(b'{"type":"\xff"}')
def test_arbitrary_bytes_are_no_header(frame):
    for decode in (envelope.decode_from_member, envelope.decode_from_broker):
        with pytest.raises(ProtocolError):
            decode(frame)


@settings(deadline=None)
@given(st.sampled_from(HEADERS), st.data())
def test_a_header_with_a_flipped_bit_is_read_or_refused(header, data):
    frame = bytearray(envelope.encode_header(header))
    position = data.draw(st.integers(0, len(frame) * 8 - 1))
    frame[position // 8] ^= 1 << position % 8
    for decode in (envelope.decode_from_member, envelope.decode_from_broker):
        try:
            decode(bytes(frame))
        except ProtocolError:
            pass


@settings(deadline=None)
@given(st.binary(max_size=2000))
@example(b'"\xff"')
@example(b"-1e999")
@example(b"\xef\xbb\xbf{}")
def test_arbitrary_bytes_are_a_payload_or_a_protocol_error(frame):
    for kind in (object, dict, envelope.MembershipChange, int, list[envelope.MemberEntry]):
        try:
            envelope.decode_payload(frame, kind)
        except ProtocolError:
            pass


@pytest.mark.parametrize("piece", [b"9", b"[", b'{"a":', b'"', b"\\", b"[]", b",", b" "], ids=repr)
def test_long_runs_of_anything_are_a_protocol_error(piece):
    for kind in (object, dict, int):
        with pytest.raises(ProtocolError):
            envelope.decode_payload(piece * 100_000, kind)


@settings(deadline=None)
@given(JSON_TREES)
def test_what_json_can_say_survives_the_journey(tree):
    assert envelope.decode_payload(envelope.encode_payload(tree)) == tree


@pytest.mark.parametrize("value", [object(), {1, object()}, "\ud800", {"a": {2: object()}}, 1 << 70])
def test_what_json_cannot_say_is_a_protocol_error(value):
    try:
        frame = envelope.encode_payload(value)
    except ProtocolError:
        return
    assert json.loads(frame) == value  # large integers are JSON; whether they can be read is the reader's


def test_a_structure_that_contains_itself_is_a_protocol_error():
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(ProtocolError):
        envelope.encode_payload(endless)


def test_payloads_end_at_the_limit():
    assert envelope.encode_payload(b"x" * envelope.MAX_PAYLOAD)
    with pytest.raises(ProtocolError, match="over the limit"):
        envelope.encode_payload(b"x" * (envelope.MAX_PAYLOAD + 1))
    with pytest.raises(ProtocolError, match="over the limit"):
        envelope.decode_payload(b" " * (envelope.MAX_PAYLOAD + 1))


def depth(tree) -> int:
    if isinstance(tree, dict):
        return 1 + max(map(depth, tree.values()), default=0)
    if isinstance(tree, list):
        return 1 + max(map(depth, tree), default=0)
    return 0


@settings(max_examples=300, deadline=None)
@given(JSON_TREES, st.integers(0, 6))
def test_nesting_is_counted_exactly(tree, limit):
    """V60."""
    assert envelope.nested_deeper_than(msgspec.json.encode(tree), limit) == (depth(tree) > limit)


@settings(deadline=None)
@given(st.text(alphabet=string.printable + '[]{}"\\', max_size=200), st.integers(0, 3))
@example('\\"[[[[', 0)
@example('"[[[[\\', 0)
def test_brackets_in_strings_do_not_count(text, limit):
    assert not envelope.nested_deeper_than(json.dumps(text).encode(), limit)


@pytest.mark.parametrize("document", [b"[" * 65 + b"]" * 65, b'{"a":' * 65 + b"0" + b"}" * 65])
def test_a_payload_one_level_too_deep_is_refused(document):
    with pytest.raises(ProtocolError, match="deeper"):
        envelope.decode_payload(document)


def test_a_hostile_payload_is_refused_before_the_loop_notices():
    """V60."""
    import time

    for document in (b"[" * envelope.MAX_PAYLOAD, b"[[]" * (envelope.MAX_PAYLOAD // 3), b'"' * envelope.MAX_PAYLOAD):
        begun = time.process_time()
        with pytest.raises(ProtocolError):
            envelope.decode_payload(document)
        assert time.process_time() - begun < 5  # milliseconds are meant


def test_a_name_that_is_no_utf8_is_sent_readable():
    """Of a file that an operator named so: the whole answer would not come."""

    class Told(msgspec.Struct):
        source: str
        problems: tuple[str, ...]

    problem = Told("files", (os.fsdecode(b'/zones/"caf\xe9".zone \xc3\xa9'),))
    sent = envelope.decode_payload(envelope.encode_payload({"sources": [problem]}))
    assert sent == {"sources": [{"source": "files", "problems": ['/zones/"caf\\xe9".zone é']}]}


@settings(deadline=None)
@given(st.text(max_size=3000))
@example("\0" * 3000)
@example("\udcff" * 3000)
@example("\U0001f600" * 3000)
def test_a_shortened_text_fits_its_header(text):
    header = envelope.Refusal(number=2**62, code="unavailable", text=envelope.shorten(text))
    assert len(envelope.encode_header(header)) <= envelope.MAX_HEADER
    envelope.decode_from_member(envelope.encode_header(header))


AHEAD = """
import sys
from msgq import api, envelope
if sys.argv[1] == "ready":
    envelope.get_ready()
api.MembersReply.__annotations__["members"] = "a type that nobody knows any more"
envelope.decode_payload(b'{"members": []}', api.MembersReply)
print("decoded")
"""


@pytest.mark.parametrize(("when", "said"), [("ready", "decoded\n"), ("late", "")])
def test_types_of_messages_can_be_worked_out_ahead(when, said):
    done = subprocess.run([sys.executable, "-c", AHEAD, when], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == said, done.stderr
