"""Components at run time: added, changed, removed, started, stopped, restarted; ours and others'."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.kit import toy
from tests.kit.suite import DEADLINE, QUERY_TIMEOUT, Suite, alive, wait_until

MAX_DAEMON_LINES = 40
GIVEN_UP = "given-up"


def state_of(suite: Suite, member: str) -> str | None:
    row = suite.components().get(member)
    return None if row is None else str(row["state"])


@pytest.fixture
def toy_program(tmp_path):
    """The toy daemon as a program of its own, not a package of ours."""
    program = tmp_path / "toy"
    script = Path(toy.__file__).read_text()
    program.write_text(f"#!/usr/bin/env -S {sys.executable} -I\n{script}")
    program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    spec = tmp_path / "toy.yaml"
    spec.write_text(Path(toy.__file__).with_suffix(".yaml").read_text())
    return program, spec


def is_so(found: Callable[[], object], wanted: object) -> bool:
    return found() == wanted


def add_toy(suite: Suite, toy_program) -> None:
    program, spec = toy_program
    suite.control("config", "set", "components.toy", f"{{program: {program}, spec: {spec}}}")
    suite.control("config", "commit", "-m", "a toy")
    wait_until(lambda: state_of(suite, "toy/0") == "running", DEADLINE, "the toy runs")


def test_a_daemon_takes_less_than_forty_lines():
    lines = [line for line in Path(toy.__file__).read_text().splitlines() if line.strip()]
    assert len(lines) < MAX_DAEMON_LINES


def test_a_component_that_is_not_ours_runs_like_one_of_ours(running, toy_program):
    add_toy(running, toy_program)
    assert running.control("call", "toy", "greet", "name=Ann", "times=2") == {"text": "hello Ann hello Ann"}


def test_its_options_are_in_the_configuration_and_it_may_refuse_them(running, toy_program):
    add_toy(running, toy_program)
    running.control("config", "set", "toy.word", "welcome")
    running.control("config", "commit", "-m", "warmer")
    assert running.control("call", "toy", "greet", "name=Ann") == {"text": "welcome Ann"}
    running.control("config", "set", "toy.word", "goodbye")
    refused = running.bobctl("config", "commit", "-m", "colder")
    assert refused.returncode == 5
    assert "toy.word" in refused.stderr
    assert "is no greeting" in refused.stderr
    assert running.control("call", "toy", "greet", "name=Ann") == {"text": "welcome Ann"}


def test_wrong_arguments_are_refused_with_the_reason(running, toy_program):
    add_toy(running, toy_program)
    for words in (["name=Ann", "times=often"], ["times=2"]):
        refused = running.bobctl("call", "toy", "greet", *words)
        assert refused.returncode == 2
        assert "times" in refused.stderr or "name" in refused.stderr


def test_a_removed_component_is_stopped(running, toy_program):
    add_toy(running, toy_program)
    pid = running.pid("toy/0")
    running.control("config", "unset", "components.toy")
    running.control("config", "commit", "-m", "enough")
    wait_until(lambda: not alive(pid), DEADLINE, "the toy is gone")
    assert "toy/0" not in running.components()


def test_stop_start_and_restart_at_run_time(running):
    pid = running.pid("auth/1")
    running.control("component", "stop", "auth/1")
    wait_until(lambda: not alive(pid), DEADLINE, "auth/1 is gone")
    wait_until(lambda: running.serves("example.org", 1), DEADLINE, "the others answer")
    running.control("component", "start", "auth/1")
    wait_until(lambda: state_of(running, "auth/1") == "running", DEADLINE, "auth/1 runs")
    second = running.pid("auth/1")
    running.control("component", "restart", "auth/1")
    wait_until(lambda: running.components()["auth/1"]["pid"] not in (None, second), DEADLINE, "another auth/1")
    wait_until(lambda: state_of(running, "auth/1") == "running", DEADLINE, "auth/1 runs again")


def test_the_number_of_instances_changes_at_run_time(running):
    for number in (3, 1):
        running.control("config", "set", "components.auth.instances", str(number))
        running.control("config", "commit", "-m", f"{number} instances")

        def instances() -> set[str]:
            rows = running.components()
            return {name for name, row in rows.items() if name.startswith("auth/") and row["state"] == "running"}

        wanted = {f"auth/{index}" for index in range(number)} | {"auth/spare"}
        wait_until(partial(is_so, instances, wanted), DEADLINE, f"{number} instances and a spare")
        assert running.serves("example.org", 1, timeout=QUERY_TIMEOUT)


def test_a_component_that_always_dies_is_given_up_and_can_be_started_again(running, tmp_path):
    program = tmp_path / "dies"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    spec = tmp_path / "dies.yaml"
    spec.write_text("module: dies\ntitle: Dies\ncomponent: {kind: dispensable}\n")
    running.control("config", "set", "components.dies", f"{{program: {program}, spec: {spec}, give_up_after: 5}}")
    running.control("config", "commit", "-m", "a program that dies")
    wait_until(
        lambda: (running.components().get("dies/0") or {}).get("restarts", 0) >= 2, DEADLINE, "restarts are counted"
    )
    wait_until(lambda: state_of(running, "dies/0") == GIVEN_UP, 120, "it is given up")
    row = running.components()["dies/0"]
    assert "exit status 3" in str(row["last_exit"])
    running.says("dies/0 failed 5 times")
    assert running.serves("example.org", 1, timeout=QUERY_TIMEOUT)
    program.write_text("#!/bin/sh\nexec sleep 1000\n")
    running.control("component", "start", "dies/0")
    wait_until(lambda: running.components()["dies/0"]["pid"], DEADLINE, "it is tried again")


def test_resource_limits_and_nice_reach_the_process(running, toy_program):
    program, spec = toy_program
    running.control(
        "config", "set", "components.toy", f"{{program: {program}, spec: {spec}, nice: 5, limits: {{open_files: 99}}}}"
    )
    running.control("config", "commit", "-m", "a limited toy")
    wait_until(lambda: state_of(running, "toy/0") == "running", DEADLINE, "the toy runs")
    pid = running.pid("toy/0")
    assert os.getpriority(os.PRIO_PROCESS, pid) == 5
    limits = Path(f"/proc/{pid}/limits").read_text()
    assert any(line.startswith("Max open files") and " 99 " in line for line in limits.splitlines())
