"""docs/conformance.md is complete and true."""

from __future__ import annotations

import ast

from tests.conformance.conftest import IMAGES, Servers
from tests.conformance.leaving import find_unexplained
from tests.conformance.lines import HERE, LEVELS, TABLE, read_lines, read_marks, read_rows, render
from tests.kit import dnspacket as packet
from tests.kit.launch_auth import AuthProcess

ODD_UDP_ROWS = 77
ODD_TCP_ROWS = 10


def test_every_line_has_a_test_or_a_reason_to_wait():
    marks = read_marks()
    assert [ident for ident, entry in read_lines().items() if "later" not in entry and ident not in marks] == []


def test_every_id_a_test_claims_is_a_line_that_does_not_wait():
    lines = read_lines()
    assert [ident for ident in read_marks() if ident not in lines or "later" in lines[ident]] == []


def test_every_line_has_a_level_a_source_and_a_text():
    for ident, entry in read_lines().items():
        assert {"level", "source", "text"} <= set(entry) <= {"level", "source", "text", "later"}, ident
        assert entry["level"] in LEVELS, ident


def test_odd_packets_are_numbered_without_a_gap():
    numbers = {prefix: [int(ident[5:]) for ident in read_rows() if ident[4] == prefix] for prefix in "UT"}
    assert numbers["U"] == list(range(1, len(numbers["U"]) + 1))
    assert numbers["T"] == list(range(1, len(numbers["T"]) + 1))
    assert (len(numbers["U"]), len(numbers["T"])) >= (ODD_UDP_ROWS, ODD_TCP_ROWS)


def test_the_table_is_up_to_date():
    assert TABLE.read_text() == render(), "run: python -m tests.conformance.lines"


def test_no_conformance_test_skips_or_expects_to_fail():
    """Only the fixtures may skip, and only where another server is under test."""
    for file in HERE.rglob("test_*.py"):
        words = {node.attr for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Attribute)}
        assert not words & {"skip", "skipif", "xfail", "importorskip"}, file


def test_every_test_that_asks_the_server_names_its_line():
    """Tests without @line prove nothing of the table; only this file has any."""
    for file in HERE.rglob("test_*.py"):
        if file.name == "test_lines.py":
            continue
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                calls = [call.func for call in node.decorator_list if isinstance(call, ast.Call)]
                assert any(isinstance(call, ast.Name) and call.id == "line" for call in calls), (
                    f"{file.name}::{node.name}"
                )


def test_what_the_loops_leave_is_seen_and_what_they_should_answer_is_told(
    servers: Servers, default_process: AuthProcess, form: str
):
    usual, unusual = packet.query("www.plain.test."), packet.query("www.plain.test.", rdclass=packet.CH)
    default_process.left()
    for message in (unusual, usual):
        for stream in (False, True):
            ask(default_process, message, stream=stream)
    left = default_process.left()
    with servers.source.snapshot() as snapshot:
        told = [one.message for one in find_unexplained(snapshot, left, {})]
    assert [one.message for one in left] == ([unusual] * 2 if form == IMAGES else [unusual] * 2 + [usual] * 2)
    assert told == ([] if form == IMAGES else [usual] * 2)


def ask(process: AuthProcess, message: bytes, *, stream: bool) -> None:
    """One query, and its reply."""
    if stream:
        with process.subject.connect() as talk:
            talk.ask(message)
    else:
        with process.subject.udp() as sock:
            sock.send(message)
            assert sock.recv(512)[:2] == message[:2]
