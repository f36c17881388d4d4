"""Connections: reuse, pipelining, limits, time-outs, closing. The hasty server has short times and few connections."""

import time
from contextlib import ExitStack

import pytest

from tests.conformance.lines import line
from tests.conformance.servers import HASTY
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import DEADLINE, Subject, frame
from tests.kit.dnsreply import Reply

IDLE = HASTY["idle_timeout"]
GRACE = 2.0  # seconds a busy machine may add


@line("TRN-04")
def test_a_connection_serves_one_query_after_the_other(subject: Subject):
    with subject.connect() as talk:
        for number in range(50):
            name = f"x{number}.any.wild.test."
            assert talk.ask(packet.query(name)).owners(0) == [(name, "A")]


@line("TRN-04")
@pytest.mark.parametrize("count", [2, 50, 400])
def test_pipelined_queries_are_all_answered(subject: Subject, count: int):
    messages = [packet.query(f"x{number}.any.wild.test.") for number in range(count)]
    with subject.connect() as talk:
        talk.write(b"".join(map(frame, messages)))
        replies = [talk.read() for _ in messages]
    identities = {
        reply[:2] + reply[12 : len(message)] for reply, message in zip(replies, messages, strict=True) if reply
    }
    assert identities == {message[:2] + message[12:] for message in messages}


@line("TRN-05")
def test_a_long_answer_does_not_hold_up_another_connection(subject: Subject):
    with subject.connect() as busy, subject.connect() as other:
        busy.write(frame(packet.query("t60000.big.test.", "TXT")) * 20)  # more than its socket takes unread
        assert other.ask(packet.query("www.plain.test.")).rcode == "NOERROR"
        assert subject.ask("www.plain.test.").rcode == "NOERROR"
        for _ in range(20):
            assert len(busy.read() or b"") > 60000


@line("TRN-05", "TRN-02")
def test_answers_of_different_cost_keep_their_ids(subject: Subject):
    questions = [
        ("t60000.big.test.", "TXT"),
        ("www.plain.test.", "A"),
        ("many.big.test.", "PTR"),
        ("nothing.plain.test.", "A"),
    ]
    messages = [packet.query(*question) for question in questions]
    with subject.connect() as talk:
        talk.write(b"".join(map(frame, messages)))
        replies = [talk.read() or b"" for _ in messages]
    assert {reply[:2] for reply in replies} == {message[:2] for message in messages}


@line("TRN-09")
def test_a_client_may_have_so_many_connections_and_the_oldest_idle_one_gives_way(hasty: Subject):
    with ExitStack() as stack:
        talks = [stack.enter_context(hasty.connect()) for _ in range(HASTY["connections_per_client"])]
        for talk in talks:
            assert talk.ask(packet.query("www.plain.test.")).rcode == "NOERROR"
        late = stack.enter_context(hasty.connect())
        assert late.ask(packet.query("www.plain.test.")).rcode == "NOERROR"
        assert talks[0].is_closed()
        assert talks[1].ask(packet.query("www.plain.test.")).rcode == "NOERROR"


@line("TRN-09")
def test_many_connections_at_once_do_not_keep_a_newcomer_out(hasty: Subject):
    with ExitStack() as stack:
        for _ in range(4 * HASTY["connections"]):
            stack.enter_context(hasty.connect())
        assert hasty.ask("www.plain.test.", tcp=True).rcode == "NOERROR"
        assert hasty.ask("www.plain.test.").rcode == "NOERROR"


@line("TRN-08", "TRN-14")
def test_an_idle_connection_is_closed_after_the_idle_time(hasty: Subject):
    with hasty.connect() as talk:
        assert talk.ask(packet.query("www.plain.test.")).rcode == "NOERROR"
        began = time.monotonic()
        assert talk.is_closed(within=IDLE + GRACE)
        assert time.monotonic() - began >= IDLE * 0.8


@line("TRN-08")
def test_a_connection_that_never_asks_is_closed_after_the_idle_time(hasty: Subject):
    with hasty.connect() as talk:
        assert talk.is_closed(within=IDLE + GRACE)


@line("TRN-08")
def test_part_of_a_message_does_not_restart_the_idle_time(hasty: Subject):
    message = frame(packet.query("www.plain.test."))
    with hasty.connect() as talk:
        began = time.monotonic()
        for octet in message[:-1]:
            if talk.is_closed(within=IDLE / 5):
                break
            try:
                talk.write(bytes([octet]))
            except ConnectionError:
                break
        assert time.monotonic() - began < IDLE + GRACE


@line("TRN-08")
def test_whole_messages_restart_the_idle_time(hasty: Subject):
    with hasty.connect() as talk:
        began = time.monotonic()
        while time.monotonic() - began < 1.5 * IDLE:
            assert talk.ask(packet.query("www.plain.test.")).rcode == "NOERROR"
            assert not talk.is_closed(within=IDLE / 3)


@line("TRN-10")
def test_a_client_that_vanishes_with_answers_under_way_does_no_harm(subject: Subject):
    for _ in range(10):
        with subject.connect() as talk:
            talk.write(frame(packet.query("t60000.big.test.", "TXT")) * 10)
            talk.reset()
    assert subject.ask("www.plain.test.", tcp=True).rcode == "NOERROR"


@line("TRN-10")
def test_a_client_that_asked_its_last_question_gets_its_answers(subject: Subject):
    """Half-closed: it asks nothing more, and still reads."""
    messages = [packet.query(f"x{number}.any.wild.test.") for number in range(10)]
    with subject.connect() as talk:
        talk.write(b"".join(map(frame, messages)))
        talk.finish()
        replies = [talk.read() or b"" for _ in messages]
        assert {reply[:2] for reply in replies} == {message[:2] for message in messages}
        assert talk.is_closed()


@line("TRN-09", "TRN-10")
def test_a_client_that_does_not_read_is_closed(hasty: Subject):
    """What it asked for is more than the sockets hold; the server neither waits for ever nor keeps it all in memory."""
    question = frame(packet.query("t60000.big.test.", "TXT"))
    end = time.monotonic() + HASTY["write_timeout"] + DEADLINE
    with hasty.connect() as talk:
        talk.sock.settimeout(0.2)
        closed = False
        while not closed and time.monotonic() < end:
            try:
                talk.write(question * 20)
            except TimeoutError:
                continue
            except ConnectionError:
                closed = True
        assert closed
    assert Reply.read(hasty.ask("www.plain.test.").wire).rcode == "NOERROR"
