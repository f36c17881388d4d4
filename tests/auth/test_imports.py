"""What auth imports by itself: what opens databases or speaks HTTP is for others, here as in a suite.

In a suite auth is forked by the zygote (docs/adr/0022), whose pages it shares: there nobody can see by its modules what
is its own. Here it is a process that began with nothing, and does what it does all day.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.memmgr import house as house_of_images
from tests.memmgr.house import House, soa

ROOT = Path(__file__).parents[2]
ASKED = 20
DEADLINE = 120.0  # seconds; ten times what is expected and more
# Distributions and modules of the standard library that open databases, serve or ask by HTTP, or are for commands only.
OTHERS = {
    *("sqlalchemy", "alembic", "sqlite3", "psycopg", "pymysql"),
    *("starlette", "uvicorn", "h11", "httpx", "aioquic", "http.server", "http.client", "urllib.request"),
    *("prometheus_client", "jsonschema", "argon2", "prompt_toolkit", "rich", "ruamel.yaml"),
}
PROCESS = """
import asyncio, json, sys
from pathlib import Path
from tests.auth.house import running

async def main(directory, asked):
    async with running(Path(directory)) as daemon:
        await daemon.configure(worker=True)
        await daemon.module.on_start()
        sock = await daemon.listen()
        started = sorted(sys.modules)
        replies = [await daemon.ask(sock, "ns.example.") for _ in range(asked)]
        assert all(reply.answer == ["ns.example. 3600 A 192.0.2.1"] for reply in replies), replies[0].answer
        counted = daemon.context.counters.statistics()
        print(json.dumps([started, sorted(sys.modules), counted["responses"], counted["left"]]))

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def run_of_our_children() -> str:
    """As daemonkit.process.suite_run() says it in a child of this process."""
    fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
    return f"{os.getpid()}.{fields[19].decode()}"


def test_it_answers_from_images_without_a_database_and_without_http(tmp_path, monkeypatch):
    monkeypatch.setattr(house_of_images, "RUN", run_of_our_children())
    images = House(tmp_path)
    images.load(soa(1))
    images.start()
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", PROCESS, str(tmp_path), str(ASKED)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    images.stop()
    assert done.returncode == 0, done.stderr
    started, later, responses, left = json.loads(done.stdout.splitlines()[-1])
    assert (responses, left) == (ASKED, 0), "all were to be answered from the image"
    assert {"auth.daemon", "image.responder"} <= set(started)
    assert OTHERS.intersection(started) == set()
    assert OTHERS.intersection(later) == set()


@pytest.mark.parametrize("name", ["sqlalchemy", "starlette"])
def test_who_imports_them_is_seen(name):
    """The names above are those that these modules have."""
    found = subprocess.run(
        [sys.executable, "-c", f"import sys, {name}; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    assert name in OTHERS.intersection(found.stdout.split())
