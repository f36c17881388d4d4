"""docs/conformance.md is complete and true."""

from __future__ import annotations

import ast

from tests.conformance.lines import HERE, LEVELS, TABLE, read_lines, read_marks, read_rows, render

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
    """Tests without @line prove nothing of the table; only those of the tests themselves have none."""
    for file in HERE.rglob("test_*.py"):
        if file.name in ("test_lines.py", "test_leaving.py"):
            continue
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                calls = [call.func for call in node.decorator_list if isinstance(call, ast.Call)]
                assert any(isinstance(call, ast.Name) and call.id == "line" for call in calls), (
                    f"{file.name}::{node.name}"
                )
