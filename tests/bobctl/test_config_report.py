"""What is said of changes of the configuration."""

from __future__ import annotations

import pytest

from bobctl.config_report import comments_lost, counted, facts_of, tell_changes, tell_late, tell_modules, tell_problem

OPTION = {
    "path": "auth.nsid",
    "expects": "text",
    "kind": "scalar",
    "required": False,
    "default": None,
    "refers": "",
    "role": "",
    "pending": "",
}


def test_of_very_many_changes_it_is_said_how_many_are_not_shown(capsys):
    answer = {"changes": [{"path": "auth.identity", "old": None, "new": "x"}], "left_out": 25}
    tell_changes(answer)
    told = capsys.readouterr()
    assert told.out == "+ auth.identity: x\n"
    assert "and 25 more changes, which are not shown" in told.err
    assert counted(answer) == "26 changes"


@pytest.mark.parametrize(
    ("changes", "left_out", "text"), [([], 0, "0 changes"), ([{}], 0, "1 change"), ([], 1, "1 change")]
)
def test_changes_are_counted_with_those_that_are_not_shown(changes, left_out, text):
    assert counted({"changes": changes, "left_out": left_out}) == text


@pytest.mark.parametrize(
    ("place", "path", "said"),
    [
        ("bob.yaml:3", "auth", "bob.yaml:3: error: it is odd\n"),
        ("", "auth", "auth: error: it is odd\n"),
        ("", "", "error: it is odd\n"),
    ],
)
def test_a_problem_is_told_with_its_place_or_its_path(place, path, said, capsys):
    tell_problem({"place": place, "path": path, "severity": "error", "reason": "it is odd"})
    assert capsys.readouterr().err == said


def test_what_several_modules_say_is_told_once_and_a_yes_not_at_all(capsys):
    answer = {"adjustments": [], "state": "accepted", "reason": ""}
    refused = {**answer, "state": "refused", "reason": "no room"}
    adjustment = {"path": "auth.udp_size", "value": 512, "reason": "it is the least"}
    tell_modules(
        [
            {**answer, "member": "auth/0"},
            {**refused, "member": "auth/1"},
            {**refused, "member": "auth/2"},
            {**answer, "member": "auth/3", "state": "adjusted", "adjustments": [adjustment]},
        ]
    )
    assert capsys.readouterr().err.splitlines() == [
        "auth/3: auth.udp_size becomes 512: it is the least",
        "auth/1, auth/2: refused: no room",
    ]


def test_who_could_not_apply_it_is_told_with_what_is_known_of_why(capsys):
    tell_late([{"member": "auth/0", "state": "lost", "reason": ""}, {"member": "x", "state": "y", "reason": "z"}])
    assert capsys.readouterr().err.splitlines() == [
        "auth/0 could not apply it and is restarted: lost",
        "x could not apply it and is restarted: z",
    ]


def test_what_is_said_of_an_option_is_what_there_is_of_it():
    assert facts_of(OPTION) == {"option": "auth.nsid", "takes": "text", "default": None}
    assert facts_of({**OPTION, "kind": "map"}) == {"option": "auth.nsid", "takes": "text"}
    told = facts_of({**OPTION, "required": True, "refers": "keys", "role": "admin", "pending": "transfers"})
    assert set(told) == {"option", "takes", "required", "one of", "who may", "no effect yet"}


def test_of_an_export_it_is_said_which_comments_it_has_lost():
    assert comments_lost({"uncommented": ""}) == ""
    assert comments_lost({"uncommented": "zones"}) == ", without comments: zones"
