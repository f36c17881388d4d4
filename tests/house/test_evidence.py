"""A test that fails shows what its processes said; ports of tests are nobody else's."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from tests.kit import ports
from tests.kit.stopwatch import Stopwatch
from tests.kit.suite import wait_until

ROOT = Path(__file__).parents[2]
TESTS = """
from tests.kit import evidence
class Server:
    pass
def test_one():
    evidence.remember(Server, "log of a server", lambda: "it said why")
    assert False
def test_two():
    evidence.forget(Server)
    assert False
"""


def test_the_log_of_a_process_that_still_runs_is_beside_the_failure(tmp_path):
    file = tmp_path / "test_two.py"
    file.write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.kit.evidence", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [*command, "--rootdir", str(tmp_path), "-c", os.devnull, str(file)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "2 failed" in done.stdout, done.stdout + done.stderr
    assert done.stdout.count("log of a server") == 1 + 1, done.stdout  # the title, and the line in the source
    assert "\nit said why\n" in done.stdout


def test_another_process_is_given_other_ports():
    ours = {ports.free_port() for _ in range(100)}
    script = "from tests.kit.ports import free_port; print(*[free_port() for _ in range(100)])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    theirs = set(map(int, done.stdout.split()))
    assert ours.isdisjoint(theirs)
    low, _high = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    assert max(ours | theirs) < int(low)


def test_a_port_that_is_taken_is_passed_over():
    taken = ports.free_port()
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as holder:
        holder.bind(("::1", taken))
        assert taken not in {ports.free_port() for _ in range(ports.BLOCK)}


def test_a_stopwatch_runs_for_who_sleeps_and_not_for_who_has_no_processor():
    watch = Stopwatch()
    threading.Event().wait(0.3)
    assert watch.seconds() > 0.2
    program = "import time\nwhile True: pass"
    cpu = min(os.sched_getaffinity(0))
    burning = [subprocess.Popen(["taskset", "-c", str(cpu), sys.executable, "-c", program]) for _ in range(3)]
    try:
        watch = Stopwatch(lambda: [process.pid for process in burning])
        began = time.monotonic()
        wait_until(lambda: time.monotonic() - began > 1.0, what="a second has passed")
        assert watch.seconds() < 0.5  # each of the three was kept for two thirds of it
    finally:
        for process in burning:
            process.kill()
            process.wait()
