"""An auth instance killed while thousands of queries a second come in: what may be lost is the batch in hand, and what
the kernel says that it dropped, for a spare serves the very sockets. `bench/kill_at_load.py` does so at half of peak.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from bench.served import images_ready
from bench.sidebyside.contents import Hosts
from bench.sidebyside.datasets import provide
from bench.sidebyside.load_program import Load, compiled
from bench.sidebyside.rows import Row
from tests.kit.load import kernel_drops
from tests.kit.stopwatch import Stopwatch
from tests.kit.suite import DEADLINE, Suite, alive, wait_until

BATCH = 64  # auth.udp_batch
RATE = 5000  # queries a second
SECONDS = 2.0
PATIENCE = 2.0  # s for which the load waits for an answer (bench/sidebyside/load/load.h)
CLIENTS = Row("killed", "a kill", "few", sockets=32, window=256)  # so much in flight that a pause stops nobody

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")


def test_a_kill_at_thousands_of_queries_a_second_loses_a_batch_at_most(tmp_path, record_property):
    files = provide(Hosts("few", 100), tmp_path)
    load = Load(compiled(tmp_path).load, min(os.sched_getaffinity(0)), CLIENTS, files)
    ((origin, file),) = files.zone_files().items()
    with Suite() as suite, ThreadPoolExecutor(1) as threads:
        assert suite.loadzone(origin, file.read_text()).returncode == 0
        suite.start()
        wait_until(lambda: images_ready(suite), DEADLINE, "the image is there")
        wait_until(
            lambda: suite.components().get("auth/spare", {}).get("state") == "running", DEADLINE, "a spare stands by"
        )
        pid, drops = suite.pid("auth/0"), kernel_drops(suite.port)
        watch = Stopwatch(suite.processes)
        running = threads.submit(load.run, suite.port, SECONDS, skip=0, samples=tmp_path / "samples", rate=RATE)
        time.sleep(SECONDS / 3)  # somewhere in the load: what must hold holds wherever it is
        os.kill(pid, signal.SIGKILL)
        account = running.result()
        wait_until(lambda: not alive(pid), what="it is gone")
        dropped = kernel_drops(suite.port) - drops
        kept = watch.longest()
    record_property("figure", f"auth/0 killed at {RATE} queries/s: {account}; {dropped} dropped by the kernel")
    assert account.wrong == 0
    assert account.sent > RATE * SECONDS / 10  # the load, too, may wait for a processor
    if kept < PATIENCE / 2:  # otherwise what is late, for want of a processor, may count as lost
        assert account.lost <= BATCH + dropped
