"""What travels on the bus: the message types are the interface, the limits are the law.

A message is two frames. The header is one of the structs below as JSON; the payload is a JSON document that only its
last recipient decodes: arguments, a result, the content of an event. The broker forwards payloads as they are.

    member > broker   Register Leave Rename Subscribe Unsubscribe Call Forget Answer Refusal Publish Missed Consumed
    broker > member   Welcome Rejected Stranger Renamed Delivery Result Outcome Event Lost Roster
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal, TypeVar, overload

import msgspec
from msgspec import Meta, Struct

from msgq.errors import ProtocolError, RefusalCode

VERSION: Final = 1
FRAMES: Final = 2  # header and payload
MAX_HEADER: Final = 4096  # bytes; the longest real header, a refusal with its text, is under 3 KiB
MAX_PAYLOAD: Final = 16 * 1024 * 1024  # bytes; the largest real one is the configuration of 100 000 listed zones
MAX_DEPTH: Final = 64  # levels of nesting; more only costs stack (CVE-2023-3341, CVE-2026-3608)
MAX_TEXT: Final = 600  # characters of a refusal; at most 4 bytes each
MAX_TOPICS: Final = 64  # a member subscribes to
MAX_TIMEOUT: Final = 3600.0  # seconds; keeps the tables of calls in flight finite

# What the broker sends ahead of a member's taking it; one message may overshoot the bytes, else a large one could never
# be sent. The member tells at half of it (Consumed).
WINDOW_MESSAGES: Final = 64
WINDOW_BYTES: Final = 1024 * 1024

BROKER: Final = "msgq/0"  # the broker's own member name; it answers commands addressed to it
MEMBERSHIP: Final = "membership"  # the topic only the broker publishes on

_NAME = r"[A-Za-z][A-Za-z0-9_-]{0,62}"
_INSTANCE = r"[A-Za-z0-9_-]{1,16}"
_MEMBER = rf"{_NAME}/{_INSTANCE}"

Member = Annotated[str, Meta(pattern=rf"^{_MEMBER}\Z", max_length=80)]
Recipient = Annotated[str, Meta(pattern=rf"^{_NAME}(/{_INSTANCE})?\Z", max_length=80)]
Topic = Annotated[str, Meta(pattern=rf"^{_NAME}\Z", max_length=63)]
Command = Annotated[str, Meta(pattern=rf"^{_NAME}\Z", max_length=63)]
# The token of the caller's session and a number that only grows: unique for ever, and old ones are told from new.
CallId = Annotated[str, Meta(pattern=r"^[0-9a-f]{16}-[0-9]{1,15}\Z", max_length=32)]
Token = Annotated[str, Meta(pattern=r"^[0-9a-f]{16}\Z", max_length=16)]
Count = Annotated[int, Meta(ge=0, le=2**62)]
Pid = Annotated[int, Meta(ge=1, le=2**31)]
Text = Annotated[str, Meta(max_length=MAX_TEXT)]
# CLOCK_MONOTONIC in seconds: one clock for all processes of a machine.
Deadline = Annotated[float, Meta(ge=0.0, le=1e12)]


class Header(Struct, frozen=True, tag_field="type", forbid_unknown_fields=True):
    """What every header has."""

    version: Literal[1] = VERSION


# From a member to the broker.


class Register(Header, frozen=True, kw_only=True, tag="register"):
    """First message of a connection: become this member. Answered by Welcome or Rejected."""

    member: Member
    pid: Pid
    token: Token  # of the session; the same for all its connections


class Leave(Header, frozen=True, tag="leave"):
    """Last message of a connection."""


class Rename(Header, frozen=True, kw_only=True, tag="rename"):
    """Become another member: a spare takes a place. Answered by Renamed or Rejected."""

    member: Member


class Subscribe(Header, frozen=True, kw_only=True, tag="subscribe"):
    """Hear a topic from now on."""

    topic: Topic


class Unsubscribe(Header, frozen=True, kw_only=True, tag="unsubscribe"):
    """Hear it no more."""

    topic: Topic


class Call(Header, frozen=True, kw_only=True, tag="call"):
    """A command; the payload is its arguments. Answered by exactly one Result or Outcome.

    `serial` is this attempt's, for the caller to tell its outcome by; `id` is the command's, the same in a repeat.
    """

    serial: Count
    id: CallId
    to: Recipient
    command: Command
    deadline: Deadline
    changes: bool = True  # False: only reads, and need not be remembered


class Forget(Header, frozen=True, kw_only=True, tag="forget"):
    """The caller waits for this call no more."""

    serial: Count


class Answer(Header, frozen=True, kw_only=True, tag="answer"):
    """The recipient has done it; the payload is the result."""

    number: Count


class Refusal(Header, frozen=True, kw_only=True, tag="refusal"):
    """The recipient says no."""

    number: Count
    code: RefusalCode
    text: Text


class Publish(Header, frozen=True, kw_only=True, tag="publish"):
    """An event; the payload is its content. `sequence` counts one publisher's events on one topic from 1."""

    topic: Topic
    sequence: Count


class Missed(Header, frozen=True, kw_only=True, tag="missed"):
    """The publisher could not send an event of this topic."""

    topic: Topic


class Consumed(Header, frozen=True, kw_only=True, tag="consumed"):
    """What the member has taken from the broker since it registered, in total: opens its window again."""

    messages: Count
    bytes: Count


# From the broker to a member.


class Welcome(Header, frozen=True, kw_only=True, tag="welcome"):
    """Registered; the payload is the roster."""


class Rejected(Header, frozen=True, kw_only=True, tag="rejected"):
    """The name cannot be had."""

    code: RefusalCode
    text: Text


class Stranger(Header, frozen=True, tag="stranger"):
    """The broker does not know this connection: register on a new one."""


class Renamed(Header, frozen=True, kw_only=True, tag="renamed"):
    """The member has its new name."""

    member: Member


class Delivery(Header, frozen=True, kw_only=True, tag="delivery"):
    """A command to carry out; `number` is the broker's, the answer quotes it."""

    number: Count
    id: CallId
    caller: Member
    command: Command
    deadline: Deadline
    changes: bool = True


class Result(Header, frozen=True, kw_only=True, tag="result"):
    """The answer to a call; the payload is the result."""

    serial: Count


OutcomeKind = Literal["refused", "no-recipient", "recipient-died", "deadline"]


class Outcome(Header, frozen=True, kw_only=True, tag="outcome"):
    """The call has no answer; `code` is set when it was refused."""

    serial: Count
    kind: OutcomeKind
    text: Text
    code: RefusalCode = "failed"


class Event(Header, frozen=True, kw_only=True, tag="event"):
    """An event of a topic the member subscribed to. `source` is the token of the publisher's session."""

    topic: Topic
    publisher: Member
    source: Token
    sequence: Count


class Lost(Header, frozen=True, kw_only=True, tag="lost"):
    """Events of this topic did not come through: the member re-reads what they would have told it."""

    topic: Topic


class Roster(Header, frozen=True, kw_only=True, tag="roster"):
    """Membership events did not come through; the payload is the roster as it is now."""


FromMember = (
    Register | Leave | Rename | Subscribe | Unsubscribe | Call | Forget | Answer | Refusal | Publish | Missed | Consumed
)
FromBroker = Welcome | Rejected | Stranger | Renamed | Delivery | Result | Outcome | Event | Lost | Roster


# Payloads of the broker's own.


class MemberEntry(Struct, frozen=True):
    """One member, in the roster and in membership events."""

    member: Member
    pid: int

    @property
    def module(self) -> str:
        """The part before the slash."""
        return self.member.partition("/")[0]

    @property
    def instance(self) -> str:
        """The part after it: a number, or `spare`."""
        return self.member.partition("/")[2]


class MembershipChange(Struct, frozen=True):
    """Content of a membership event."""

    change: Literal["joined", "left", "died"]
    member: Member
    pid: int


T = TypeVar("T")
Frames = tuple[bytes, bytes]  # header and payload

_encoder = msgspec.json.Encoder()
# Octets of a file name that are no UTF-8, as the interpreter carries them (PEP 383), and as JSON writes \xNN.
_NOT_UTF8 = {0xDC00 + octet: f"\\\\x{octet:02x}" for octet in range(0x80, 0x100)}
_from_member: msgspec.json.Decoder[FromMember] = msgspec.json.Decoder(FromMember)
_from_broker: msgspec.json.Decoder[FromBroker] = msgspec.json.Decoder(FromBroker)
_NAMES = {
    "member": re.compile(_MEMBER),
    "recipient": re.compile(rf"{_NAME}(/{_INSTANCE})?"),
    "topic": re.compile(_NAME),
    "command": re.compile(_NAME),
    "call id": re.compile(r"[0-9a-f]{16}-[0-9]{1,15}"),
}
_NO_BRACKET = bytes(code for code in range(256) if code not in b"[]{}")
_ONE_KIND = bytes.maketrans(b"{}", b"[]")


def encode_header(header: FromMember | FromBroker) -> bytes:
    """The header frame."""
    return _encoder.encode(header)


def decode_from_member(frame: bytes) -> FromMember:
    """Read what a member sent; raises ProtocolError."""
    return _decode_header(_from_member, frame)


def decode_from_broker(frame: bytes) -> FromBroker:
    """Read what the broker sent; raises ProtocolError."""
    return _decode_header(_from_broker, frame)


def encode_payload(value: Any) -> bytes:
    """The payload frame of anything msgspec can write; bytes are taken as JSON already. Raises ProtocolError."""
    if isinstance(value, bytes):
        data = value
    else:
        try:
            try:
                data = _encoder.encode(value)
            except UnicodeEncodeError:  # as of file names that are no UTF-8: one must not silence a whole answer
                plain = msgspec.to_builtins(value, str_keys=True)
                text = json.dumps(plain, ensure_ascii=False, allow_nan=False)
                data = text.translate(_NOT_UTF8).encode()
        except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
            raise ProtocolError(f"a {type(value).__name__} cannot be sent: {error}") from error
    check_payload_size(len(data))
    return data


@overload
def decode_payload(frame: bytes, type: type[T]) -> T: ...
@overload
def decode_payload(frame: bytes, type: Any = ...) -> Any: ...
def decode_payload(frame: bytes, type: Any = Any) -> Any:  # noqa: A002 - the word msgspec uses
    """Read a payload as `type`; raises ProtocolError, whatever the bytes are."""
    check_payload_size(len(frame))
    if nested_deeper_than(frame, MAX_DEPTH):
        raise ProtocolError(f"the payload is nested deeper than {MAX_DEPTH} levels, or not JSON")
    try:
        return msgspec.json.decode(frame, type=type)
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError) as error:
        raise ProtocolError(f"the payload is not what it should be: {error}") from error


def check_payload_size(size: int) -> None:
    """Raise ProtocolError for a payload over the limit."""
    if size > MAX_PAYLOAD:
        raise ProtocolError(f"a payload of {size} bytes is over the limit of {MAX_PAYLOAD}")


def check_name(kind: Literal["member", "recipient", "topic", "command", "call id"], name: str) -> str:
    """The name, if it is one of that kind; raises ProtocolError."""
    if not _NAMES[kind].fullmatch(name):
        raise ProtocolError(f"{name!r} cannot be the name of a {kind}")
    return name


def shorten(text: str) -> str:
    """A text that fits a header."""
    text = text.encode(errors="replace").decode()  # surrogates, as from undecodable file names, are not JSON
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def nested_deeper_than(document: bytes, limit: int) -> bool:
    """Whether a JSON document nests deeper than the limit, found without recursion; True also for unbalanced brackets.

    Works by whole-buffer passes at C speed, because a loop over 16 MiB would block the event loop.
    """
    if document.count(b"[") + document.count(b"{") <= limit:
        return False
    if b"\\" in document:
        document = document.replace(rb"\\", b"").replace(rb"\"", b"")
    outside_strings = b"".join(document.split(b'"')[::2])
    brackets = outside_strings.translate(_ONE_KIND, _NO_BRACKET)
    for remaining in range(limit, 0, -1):  # each pass takes the innermost level of every branch away
        if not brackets or b"[" * (remaining + 1) in brackets:
            break
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


def _decode_header(decoder: msgspec.json.Decoder[T], frame: bytes) -> T:
    if len(frame) > MAX_HEADER:
        raise ProtocolError(f"a header of {len(frame)} bytes is over the limit of {MAX_HEADER}")
    try:
        return decoder.decode(frame)
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError) as error:
        raise ProtocolError(f"not a header: {error}") from error


def get_ready() -> None:
    """Have the types of all messages that are known by now worked out, for processes that are forked after this.

    msgspec does so when a type is first used, and keeps it with the type: annotations are text, and are compiled.
    """
    for struct in _kinds_of(Struct):
        with contextlib.suppress(NameError, TypeError):  # names that only type checkers read: told where it is used
            msgspec.json.Decoder(struct)


def _kinds_of(base: type[Struct]) -> Iterator[type[Struct]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _kinds_of(kind)
