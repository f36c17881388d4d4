"""The command line, and everything that is settled before the first process."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
import os
import re
import resource
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from bob import startup
from bob.commands import cli
from bob.errors import AlreadyRunning, ExitStatus, StartError
from bob.startup import Request, prepare
from bob.suite import Settings
from daemonkit.paths import MAX_SOCKET_PATH, SYSTEM_CONFIG, Directories
from tests.kit.stopwatch import Stopwatch
from tests.kit.suite import DEADLINE, Suite, alive, wait_until

EXIT_TIME = 0.5  # seconds an interpreter takes for its own end, in development mode
OWN = "root" if os.geteuid() == 0 else None


def invoke(*words):
    return CliRunner().invoke(cli, words)


def test_version():
    assert invoke("version").output == f"bob {importlib.metadata.version('bobdns')}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--listen", "127.0.0.1"], "'127.0.0.1' is not ADDRESS@PORT"),
        (["--listen", "127.0.0.1@0"], "is not ADDRESS@PORT"),
        (["--listen", "localhost@53"], "is not ADDRESS@PORT"),
        (["--listen", "127.0.0.1@65536"], "is not ADDRESS@PORT"),
        (["--listen", "off"], "answers nobody has `listen: []`"),
        (["--rest", "8053"], "'8053' is not ADDRESS@PORT (nor `off`)"),
        (["--log-level", "loud"], "'loud' is not one of"),
        (["--nonsense"], "No such option"),
    ],
)
def test_wrong_words_are_told_with_what_is_right(words, said):
    done = invoke("run", *words)
    assert done.exit_code == 2
    assert said in done.output


def test_the_command_line_lies_over_the_configuration_of_this_run():
    settings = Settings(
        directories=Directories(Path("/s"), Path("/r")),
        config=Path("/etc/bob/bob.yaml"),
        listen=("127.0.0.1@53", "::1@53"),
        default_listen=("127.0.0.1@5300",),
        overlay={"cmdctl.rest": "off"},
        log_level="info",
    )
    assert settings.cfgmgr_arguments() == [
        *("--seed", "/etc/bob/bob.yaml"),
        *("--default", 'listen=["127.0.0.1@5300"]'),
        *("--overlay", 'listen=["127.0.0.1@53", "::1@53"]'),
        *("--overlay", "cmdctl.rest=off"),
    ]


@pytest.fixture
def request_(tmp_path):
    return Request(state_dir=tmp_path / "state", run_dir=tmp_path / "run", user=OWN)


@pytest.fixture(autouse=True)
def _keep_process_settings(monkeypatch):
    """What a program sets for itself is not for the whole test run."""
    umask, cores = os.umask(0), resource.getrlimit(resource.RLIMIT_CORE)
    os.umask(umask)
    monkeypatch.setattr(startup, "start_logging", lambda *_: None)
    monkeypatch.setattr(startup, "keep_lines", lambda *_: None)
    yield
    os.umask(umask)
    resource.setrlimit(resource.RLIMIT_CORE, cores)


@pytest.mark.parametrize("wanted", [False, True])
def test_there_are_core_files_only_where_they_are_asked_for(request_, wanted):
    """V72. The hard limit stays, for whoever wants one of a process that runs."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    soft = 4096 if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))
    with prepare(dataclasses.replace(request_, core_dumps=wanted)):
        assert resource.getrlimit(resource.RLIMIT_CORE) == (soft if wanted else 0, hard)


def test_directories_are_made_and_locked(request_):
    with prepare(request_):
        assert request_.state_dir.is_dir()
        with pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"):
            prepare(request_)
    with prepare(request_):
        pass


def test_two_suites_cannot_share_a_run_directory_either(request_, tmp_path):
    other = Request(state_dir=tmp_path / "other", run_dir=request_.run_dir, user=OWN)
    with prepare(request_), pytest.raises(AlreadyRunning, match="run directory"):
        prepare(other)
    with prepare(other):  # its state directory was not left locked
        pass


def test_one_directory_may_be_both(tmp_path):
    with prepare(Request(state_dir=tmp_path / "all", run_dir=tmp_path / "all", user=OWN)):
        pass


def test_a_run_directory_too_deep_for_a_socket_is_told_before_anything_is_made(tmp_path):
    deep = tmp_path / ("x" * MAX_SOCKET_PATH)
    with pytest.raises(StartError, match=r"choose a shorter --run-dir"):
        prepare(Request(state_dir=tmp_path / "state", run_dir=deep, user=OWN))
    assert not (tmp_path / "state").exists()


def test_a_missing_configuration_file_is_told(request_, tmp_path):
    with pytest.raises(StartError, match=r"the configuration file .*missing.yaml cannot be read"):
        prepare(replace(request_, config=tmp_path / "missing.yaml"))


@pytest.mark.parametrize(("given", "later"), [(None, SYSTEM_CONFIG), (Path("/dev/null"), None)])
def test_only_the_default_configuration_file_may_come_later(request_, monkeypatch, given, later):
    monkeypatch.setattr(startup, "may_bind_low_ports", lambda: True)
    monkeypatch.setattr(startup, "_config_file", lambda file, **_: file)
    with prepare(replace(request_, config=given)) as prepared:
        assert prepared._settings.later_config == later


def test_an_interface_that_is_not_there_is_told(request_):
    with pytest.raises(StartError, match="--listen: there is no such interface"):
        prepare(replace(request_, listen=("fe80::1%nosuch0@53",)))


def test_a_file_in_place_of_a_directory_is_told(request_):
    request_.state_dir.touch()
    with pytest.raises(StartError, match="is no directory"):
        prepare(request_)


# The program itself.


def test_a_start_that_cannot_be_ends_with_a_status_and_says_why():
    with Suite() as suite, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", suite.port))
        suite.start(wait=False)
        assert suite.process is not None
        pids = wait_until(suite.descendants)
        assert suite.process.wait(60) == ExitStatus.UNAVAILABLE
        assert f"127.0.0.1@{suite.port} (UDP): in use by process {os.getpid()} (" in suite.log.read_text()
        assert not any(alive(pid) for pid in pids)


def test_a_seed_that_cannot_be_used_ends_the_start_for_good():
    with Suite(config="listen: [nonsense]\n") as suite:
        suite.start(wait=False)
        assert suite.process is not None
        assert suite.process.wait(60) == ExitStatus.CONFIGURATION
        assert "bob.yaml:1" in suite.log.read_text()


def interrupt(process: subprocess.Popen[str]) -> str:
    """Press Ctrl-C until it ends, once a second as people do; what it said.

    Python itself swallows one in some thirty that come before our first line: in the weakref callback of an import's
    lock ("Exception ignored in ..."), and where it starts with -W ("'import warnings' failed").
    """
    for _ in range(30):
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=1)[0]
    raise AssertionError("Ctrl-C does not end it")


@pytest.mark.parametrize("milliseconds", [60, 120, 180, 240, 300, 400])
def test_ctrl_c_before_there_is_anything_ends_it_without_a_word_of_ours(milliseconds):
    with Suite() as suite:
        process = subprocess.Popen(suite.command(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(milliseconds / 1000)
        said = interrupt(process)
        if "init_import_site" not in said:  # on a busy machine it comes before the interpreter has read `site`: exit 1
            assert process.returncode in (ExitStatus.STOPPED, -signal.SIGINT), said
        assert "Aborted" not in said
        assert not re.search(r'File ".*/bob/(commands|startup|suite)', said)  # a traceback


def test_ctrl_c_while_it_starts_ends_it_cleanly():
    with Suite() as suite:
        suite.start(wait=False)
        wait_until(lambda: "msgq/0 is ready" in suite.log.read_text(), DEADLINE, "the start is under way")
        pids = suite.descendants()
        assert suite.stop() == 0
        assert not any(alive(pid) for pid in pids)


def test_a_terminal_that_goes_away_ends_the_suite():
    with Suite() as suite:
        leader, follower = os.openpty()
        command = suite.command()
        code = "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
        code += "os.execv(sys.argv[1], sys.argv[1:])"
        suite.process = subprocess.Popen(
            [sys.executable, "-c", code, *command], stdin=follower, stdout=follower, stderr=follower
        )
        os.close(follower)
        said = b""
        while b"BOB_UP" not in said:
            said += os.read(leader, 65536)
        pids = suite.descendants()
        os.close(leader)
        suite.process.wait(60)
        wait_until(lambda: not any(alive(pid) for pid in pids), DEADLINE, "no child is left")


def test_a_second_signal_does_not_wait_for_what_hangs():
    with Suite() as suite:
        suite.start(wait=False)
        wait_until(lambda: "BOB_UP" in suite.log.read_text(), DEADLINE, "the suite is up")
        assert suite.process is not None
        pids = suite.descendants()
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        suite.process.send_signal(signal.SIGTERM)
        wait_until(lambda: "BOB_STOPPING" in suite.log.read_text())
        suite.process.send_signal(signal.SIGTERM)
        suite.process.wait(60)
        assert not any(alive(pid) for pid in pids)


def test_a_suite_whose_processes_all_hang_stops_within_two_seconds():
    with Suite() as suite:
        suite.start(wait=False)
        wait_until(lambda: "BOB_UP" in suite.log.read_text(), DEADLINE, "the suite is up")
        assert suite.process is not None
        pids = suite.descendants()
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        watch = Stopwatch(suite.processes)
        suite.process.send_signal(signal.SIGINT)
        os.waitid(os.P_PID, suite.process.pid, os.WEXITED | os.WNOWAIT)  # not yet collected: its times can be read
        assert watch.seconds() < 2.0 + EXIT_TIME
        assert suite.process.wait(60) == 0
        assert not any(alive(pid) for pid in pids)


def test_sighup_without_a_configuration_file_is_no_error():
    with Suite() as suite:
        suite.start(wait=False)
        wait_until(lambda: "BOB_RUNNING msgq/0" in suite.log.read_text(), DEADLINE, "the start is under way")
        assert suite.process is not None
        suite.process.send_signal(signal.SIGHUP)  # bob is hardly on the bus yet: it is not forgotten
        wait_until(lambda: "BOB_NOTHING_TO_RELOAD" in suite.log.read_text(), DEADLINE, "it says so")
        assert "BOB_UP" in suite.log.read_text()
        assert " ERROR " not in suite.log.read_text()
        assert suite.stop() == 0
