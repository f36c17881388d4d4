"""Log messages: IDs, texts of the spec, nothing forged."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import pytest

from daemonkit.log import MessageLog, escape, rename_log, start_logging


@dataclass
class Text:
    text: str
    severity: str = "info"


@pytest.fixture
def log():
    return MessageLog("toy", {"TOY_SAW": Text("saw {name}"), "TOY_BROKE": Text("broke: {error}")})


def test_a_message_is_its_id_and_its_text(log, caplog):
    with caplog.at_level(logging.INFO, "toy"):
        log.info("TOY_SAW", name="example.org")
    assert caplog.messages == ["TOY_SAW saw example.org"]


def test_what_comes_from_outside_cannot_forge_a_line(log, caplog):
    with caplog.at_level(logging.INFO, "toy"):
        log.info("TOY_SAW", name="a\nTOY_BROKE b\x1b[31m\x9b")
    assert caplog.messages == ["TOY_SAW saw a\\x0aTOY_BROKE b\\x1b[31m\\x9b"]


def test_braces_in_a_field_are_only_text(log, caplog):
    with caplog.at_level(logging.INFO, "toy"):
        log.info("TOY_SAW", name="{error} %s")
    assert caplog.messages == ["TOY_SAW saw {error} %s"]


def test_an_exception_comes_with_its_traceback(log, caplog):
    try:
        raise ValueError("why")
    except ValueError as error:
        log.exception("TOY_BROKE", error)
    assert caplog.messages == ["TOY_BROKE broke: why"]
    assert caplog.records[0].exc_info


def test_a_level_that_is_off_costs_no_formatting(log, caplog):
    with caplog.at_level(logging.WARNING, "toy"):
        log.info("TOY_SAW")  # the missing field would raise
    assert caplog.messages == []


def test_printable_text_is_left_alone():
    assert escape("Zürich – ünïcode") == "Zürich – ünïcode"


def test_a_process_that_took_another_place_logs_under_its_name(capsys):
    before = logging.getLogger().handlers[:]
    try:
        start_logging("toy/spare")
        rename_log("toy/1")
        logging.getLogger("toy").info("here")
        assert " toy/1 here" in capsys.readouterr().err
    finally:
        logging.getLogger().handlers[:] = before
