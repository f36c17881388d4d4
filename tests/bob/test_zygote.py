"""Daemons are forked by a process that has read them, as children of bob; without it they start all the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from bob.zygote_client import ZYGOTE_FILE
from tests.kit.suite import Suite, alive, wait_until

DEADLINE = 60.0

# A little bob: starts a zygote, and what the test says then.
BOB = """
import os, signal, socket, subprocess, sys, time
from bob import zygote_client
from bob.zygote_client import ZYGOTE_FILE, Zygote, ZygoteFailed

def start(descriptor):
    command = [sys.executable, "-I", str(ZYGOTE_FILE), str(descriptor), str(os.getpid()), "calendar", "no.such.module"]
    return subprocess.Popen(command, pass_fds=(descriptor,)).pid

zygote_client.FORK_SECONDS = 20.0  # a new interpreter takes long on a busy machine
zygote = Zygote(start)
zygote.begin(first=True)
ours, theirs = socket.socketpair()

def fork(*arguments, environment={}):
    return zygote.fork("calendar", arguments, environment, theirs.fileno())

def end_of(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def wait_until(what):
    end = time.monotonic() + 50.0
    while not what():
        assert time.monotonic() < end
        time.sleep(0.01)

"""


def bob(code):
    program = BOB + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=DEADLINE, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_fork_is_a_child_of_bob_with_its_arguments_and_its_own_end():
    out = bob("""
        pid = fork("2026", "11")
        print(end_of(pid))
        print(end_of(fork("no-year")))
    """)
    assert "November 2026" in out
    assert out.split()[-2:] == ["0", "1"] or out.split()[-2:] == ["0", "2"]


def test_a_fork_leads_its_group_and_has_its_control_channel():
    out = bob("""
        told = "f'{os.getpid()} {os.getppid()} {os.getpgid(0)} {os.environ[chr(88)]}'.encode()"
        statement = f"os.write(int(os.environ['BOB_CONTROL_FD']), {told})"
        pid = zygote.fork("timeit", ["-n1", "-r1", "-s", "import os", statement], {"X": "y"}, theirs.fileno())
        print("told:", pid, *ours.recv(1000).decode().split())
        print("ended:", end_of(pid), os.getpid())
    """)
    # timeit has a line of its own to print, before, between or after ours
    lines = {line.partition(":")[0]: line.partition(":")[2].split() for line in out.splitlines()}
    pid, told, parent, group, variable = lines["told"]
    end, bob_itself = lines["ended"]
    assert pid == told == group
    assert (parent, variable, end) == (bob_itself, "y", "0")


def test_who_is_forked_after_bob_has_given_up_never_runs():
    out = bob("""
        end_of(fork("2026", "11"))
        wait_until(lambda: zygote.is_ready)
        zygote_client.FORK_SECONDS = 0.1
        os.kill(zygote.pid, signal.SIGSTOP)
        try:
            fork("2027", "12")
        except ZygoteFailed as error:
            print("failed:", error)
        os.kill(zygote.pid, signal.SIGCONT)
        print("zygote:", end_of(zygote.pid))
        while True:
            try:
                print("late:", os.waitstatus_to_exitcode(os.wait()[1]))
            except ChildProcessError:
                break
    """)
    assert "failed: it is gone" in out
    assert "zygote: 0" in out
    assert "2027" not in out


def test_at_the_start_bob_is_patient_until_the_zygote_has_read_everything(tmp_path):
    """On a busy machine it takes long, and an interpreter for each daemon would take longer."""
    go_on = tmp_path / "go_on"
    for name, waits in (("slow_first", True), ("slow_last", False)):
        wait = f"import os, time\nwhile not os.path.exists({str(go_on)!r}): time.sleep(0.01)\n" if waits else ""
        (tmp_path / f"{name}.py").write_text(wait)
    out = bob(f"""
        import threading
        from pathlib import Path
        from bob.zygote_fork import Forked
        zygote_client.FORK_SECONDS = 0.1
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        script = "import runpy, sys; sys.path.insert(0, {str(tmp_path)!r}); sys.argv = sys.argv[1:]; " \
            "runpy.run_path(sys.argv[0], run_name='__main__')"
        command = [sys.executable, "-I", "-c", script, str(ZYGOTE_FILE), str(there.fileno()), str(os.getpid())]
        child = subprocess.Popen([*command, "slow_first", "slow_last"], pass_fds=(there.fileno(),))
        zygote = Zygote(start)  # the other one ends with its channel
        zygote.adopt(Forked(child.pid, here))
        threading.Timer(1.0, Path({str(go_on)!r}).touch).start()
        print("forked:", end_of(fork("2026", "11")))
        wait_until(lambda: zygote.is_ready)
        print("forked:", end_of(fork("2026", "12")))
        os.kill(zygote.pid, signal.SIGSTOP)
        try:
            fork("2027", "1")
        except ZygoteFailed as error:
            print("failed:", error)
        os.kill(zygote.pid, signal.SIGCONT)
        print("zygote:", end_of(zygote.pid))
    """)
    assert out.count("forked: 0") == 2, out
    assert "failed: it is gone" in out  # it has read everything: bob waits no longer than it may
    assert "2027" not in out


def test_a_zygote_that_died_is_told_and_another_is_begun_later_and_later():
    out = bob("""
        end_of(fork("2026", "11"))
        os.kill(zygote.pid, signal.SIGKILL)
        os.waitpid(zygote.pid, 0)
        try:
            print("failed: None", fork("2026", "11"))
        except ZygoteFailed as error:
            print("failed:", error)
        rests = [zygote.ended() for _ in range(9)]
        print("rests:", *rests)
        zygote.begin()
        wait_until(lambda: zygote.is_ready)
        print("later:", end_of(fork("2026", "11")))
        zygote.begin()
        print("rest:", zygote.ended())
    """)
    assert "failed: " in out
    assert "rests: 1.0 2.0 4.0 8.0 16.0 32.0 60.0 60.0 60.0" in out
    assert "later: 0" in out
    assert "rest: 1.0" in out


def test_a_later_zygote_that_still_reads_is_not_waited_for(tmp_path):
    """Bob's loop stood still for 2 s, and then the daemon was started without it all the same."""
    go_on = tmp_path / "go_on"
    (tmp_path / "slow.py").write_text(
        f"import os, time\nwhile not os.path.exists({str(go_on)!r}): time.sleep(0.01)\n", encoding="utf-8"
    )
    out = bob(f"""
        from pathlib import Path
        end_of(fork("2026", "11"))
        zygote.ended()

        def slow(descriptor):
            script = "import runpy, sys; sys.path.insert(0, {str(tmp_path)!r}); sys.argv = sys.argv[1:]; " \
                "runpy.run_path(sys.argv[0], run_name='__main__')"
            command = [sys.executable, "-I", "-c", script, str(ZYGOTE_FILE), str(descriptor), str(os.getpid()), "slow"]
            return subprocess.Popen(command, pass_fds=(descriptor,)).pid

        zygote._start = slow
        zygote.begin()
        waited = []
        zygote._answer = lambda channel, patience: waited.append(patience)
        print("at once:", fork("2026", "11"), fork("2026", "12"), waited)
        del zygote._answer
        Path({str(go_on)!r}).touch()
        wait_until(lambda: zygote.is_ready)
        print("later:", end_of(fork("2026", "11")))
    """)
    assert "at once: None None []" in out
    assert "later: 0" in out


UNREADY = """
def get_ready():
    raise LookupError("no rows")
"""


def test_what_it_cannot_get_ready_is_told_and_forks_go_on(tmp_path):
    """It was swallowed: each daemon did it itself from then on, and nobody knew why the suite took more memory."""
    (tmp_path / "unready.py").write_text(UNREADY)
    out = bob(f"""
        def read(descriptor):
            script = "import runpy, sys; sys.path.insert(0, {str(tmp_path)!r}); sys.argv = sys.argv[1:]; " \
                "runpy.run_path(sys.argv[0], run_name='__main__')"
            modules = ["no.such.module:get_ready", "unready:get_ready", "unready:none", "calendar"]
            command = [sys.executable, "-I", "-c", script, str(ZYGOTE_FILE), str(descriptor), str(os.getpid())]
            return subprocess.Popen([*command, *modules], pass_fds=(descriptor,)).pid

        zygote = Zygote(read, lambda what, reason: print("unready:", what, reason))
        zygote.begin(first=True)
        print("forked:", end_of(fork("2026", "11")))
        wait_until(lambda: zygote.is_ready)
        print("forked:", end_of(fork("2026", "12")))
    """)
    told = [line for line in out.splitlines() if line.startswith("unready: ")]
    assert told == [
        "unready: unready:get_ready LookupError: no rows",
        "unready: unready:none AttributeError: module 'unready' has no attribute 'none'",
    ]
    assert out.count("forked: 0") == 2


def test_bob_logs_it_without_waiting_for_the_next_fork():
    out = bob("""
        import asyncio
        from pathlib import Path
        from bob import processes
        from daemonkit.paths import directories

        class Log:
            def __init__(self):
                self.told = asyncio.Event()

            def warning(self, message, **fields):
                print("logged:", message, fields["what"], fields["reason"])
                self.told.set()

        async def run():
            log = Log()
            spawner = processes.Spawner(directories(Path("/nowhere")), os.environ, "debug")
            spawner.use_zygote(log)
            await asyncio.wait_for(log.told.wait(), 50.0)
            await spawner.close()

        processes.READ_AHEAD = ("json:get_ready",)
        asyncio.run(run())
    """)
    reason = "AttributeError: module 'json' has no attribute 'get_ready'"
    assert f"logged: BOB_ZYGOTE_UNREADY json:get_ready {reason}" in out


def test_it_does_not_start_for_a_parent_that_is_gone():
    ours, theirs = __import__("socket").socketpair()
    with ours, theirs:
        command = [sys.executable, "-I", str(ZYGOTE_FILE), str(theirs.fileno()), "1"]
        done = subprocess.run(command, pass_fds=(theirs.fileno(),), timeout=DEADLINE, check=False)
    assert done.returncode == 0


@pytest.mark.system
def test_the_first_zygote_is_a_fork_of_bob_that_has_nothing_of_its():
    with Suite() as suite:
        command = ["/bin/sh", "-c", 'exec "$@" 9</etc/passwd <&-', "sh", *suite.command()]  # one more, and no 0
        suite.command = lambda: command  # type: ignore[method-assign]
        suite.start()
        zygote = next(pid for pid in suite.descendants() if forks(pid))
        assert suite.process is not None
        place = Path(f"/proc/{zygote}")
        assert (place / "cwd").readlink() == Path("/")
        assert os.getpgid(zygote) == zygote
        there = {int(file.name): str(file.readlink()) for file in (place / "fd").iterdir()}
        assert there[0] == "/dev/null"
        (channel,) = [place for number, place in there.items() if number > 2]
        assert channel.startswith("socket:")
        assert command_line(zygote) == "bob: zygote"
        assert command_line(suite.pid("auth/0")) == "bob: auth/0"
        assert " run " in command_line(suite.process.pid)


@pytest.mark.system
def test_a_bob_that_is_not_isolated_begins_again_as_one_that_is(tmp_path):
    (tmp_path / "zmq.py").write_text("raise SystemExit('read from where it was started')")
    with Suite(environment={"PYTHONPATH": str(tmp_path)}) as suite:
        command = [word for word in suite.command() if word != "-I"]
        suite.command = lambda: command  # type: ignore[method-assign]
        suite.start()
        assert suite.process is not None
        assert " -I " in command_line(suite.process.pid)
        assert " -X dev " in command_line(suite.process.pid)
        assert " -W error " in command_line(suite.process.pid)
        assert command_line(next(pid for pid in suite.descendants() if forks(pid))) == "bob: zygote"


@pytest.mark.system
def test_a_suite_whose_zygote_is_killed_goes_on_and_restarts_what_dies():
    with Suite() as suite:
        suite.start()
        zygote = next(pid for pid in suite.descendants() if forks(pid))
        assert {"msgq/0", "cfgmgr/0", "auth/0"} <= set(map(comm, suite.descendants()))
        os.kill(zygote, signal.SIGKILL)
        wait_until(lambda: not alive(zygote), DEADLINE, "it is collected")
        suite.says("daemons are started by interpreters of their own until there is another")
        victim = suite.pid("auth/0")
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: suite.answers() and suite.pid("auth/0") not in (None, victim), DEADLINE, "auth is back")
        wait_until(lambda: any(map(forks, suite.descendants())), DEADLINE, "there is another zygote")
        wait_until(lambda: was_forked(restarted(suite, "stats")), DEADLINE, "it is used when it is ready")
        wait_until(lambda: all(one["state"] == "running" for one in suite.components().values()), DEADLINE)
        there = suite.descendants()
        assert suite.stop() == 0
        wait_until(lambda: not any(map(alive, there)), DEADLINE, "nobody is left")


def restarted(suite, component):
    """Its process after an operator's restart."""
    before = suite.pid(f"{component}/0")
    suite.control("component", "restart", component)
    wait_until(lambda: suite.components()[f"{component}/0"]["state"] == "running", DEADLINE, "it is back")
    after = suite.pid(f"{component}/0")
    assert after != before
    return after


def was_forked(pid):
    """Whether a daemon was forked by a zygote: one with an interpreter of its own was started with its name."""
    return b"BOB_COMPONENT=" not in Path(f"/proc/{pid}/environ").read_bytes()


def forks(pid):
    return comm(pid) == "zygote"


def comm(pid):
    with open(f"/proc/{pid}/comm") as file:
        return file.read().strip()


def command_line(pid):
    with open(f"/proc/{pid}/cmdline") as file:
        return file.read().replace("\0", " ").strip()
