"""The worker of auth in the real suite: what it does while it is there, and what its loss costs."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Self

import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from tests.kit.suite import DEADLINE, QUERY_TIMEOUT, Suite, wait_until
from tests.system.test_images_served import answered_from_images, counted
from tests.system.test_memmgr import zone

pytestmark = pytest.mark.system

TRIES = 50
WORKER = "authworker/0"


def left(refused: str) -> str:
    """A zone whose queries are left: answers that a hook is to see are not in images."""
    acl = [{"action": "REJECT", "from": refused}, {"action": "ACCEPT"}]
    return json.dumps({"left.example": {"query_acl": acl, "hook": True}})


@pytest.fixture(scope="module")
def suite():
    with Suite() as suite:
        suite.start()
        suite.loadzone("example.", zone(1, "192.0.2.80"))
        suite.loadzone("left.example.", zone(1, "192.0.2.81"))
        suite.control("config", "set", "zones", left("192.0.2.0/24"))
        suite.control("config", "commit", "-m", "a zone that images do not answer for")
        wait_until(lambda: suite.pid(WORKER), DEADLINE, "there is a worker")
        wait_until(lambda: answered_from_images(suite), DEADLINE, "images are in use")
        yield suite


def served(suite: Suite, tcp: bool = False) -> bool:
    """Whether the zone that is left has its answer."""
    query = dns.message.make_query("www.left.example.", "A")
    ask = dns.query.tcp if tcp else dns.query.udp
    reply = ask(query, "127.0.0.1", port=suite.port, timeout=DEADLINE)
    assert reply.rcode() in (dns.rcode.NOERROR, dns.rcode.REFUSED), f"{reply}\n{suite.log.read_text()[-4000:]}"
    return bool(reply.answer and reply.answer[0][0].address == "192.0.2.81")


def asked(suite: Suite) -> int:
    """How many requests the worker was asked."""
    shown = suite.control("call", "stats", "show", "component=authworker")["modules"]["authworker"]
    return int(shown["counters"]["answers"])


class Asking:
    """Asks for what images have, again and again, and notes what was not answered within its time."""

    def __init__(self, suite: Suite) -> None:
        self.suite = suite
        self.answered = 0
        self.slowest = 0.0
        self.wrong: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        query = dns.message.make_query("www.example.", "A")
        while not self._stop.is_set():
            begun = time.monotonic()
            try:
                reply = dns.query.udp(query, "127.0.0.1", port=self.suite.port, timeout=QUERY_TIMEOUT)
            except Exception as error:  # noqa: BLE001 - told by the test
                self.wrong.append(repr(error))
                continue
            self.slowest = max(self.slowest, time.monotonic() - begun)
            if not reply.answer:
                self.wrong.append(reply.to_text())
            self.answered += 1


def test_what_auth_leaves_is_answered_by_the_worker_and_counted_by_auth(suite):
    before, requests, successes = asked(suite), counted(suite, "request.tcp"), counted(suite, "qrysuccess")
    assert served(suite)
    assert served(suite, tcp=True)
    wait_until(lambda: asked(suite) >= before + 2, DEADLINE, "the worker counts")
    wait_until(lambda: counted(suite, "request.tcp") > requests, DEADLINE, "auth counts")
    wait_until(lambda: counted(suite, "qrysuccess") >= successes + 2, DEADLINE, "auth counts what came of them")


def test_a_stopped_worker_holds_up_no_answer_from_images_and_is_replaced(suite):
    # Before those that kill it: whose predecessors have died just now is started again late.
    pid = suite.pid(WORKER)
    os.kill(pid, signal.SIGSTOP)
    with Asking(suite) as asking:
        assert served(suite)  # when bob has seen that it hangs, and its successor is there
        assert suite.pid(WORKER) != pid
    assert asking.wrong == []
    assert asking.answered > TRIES


def test_a_killed_worker_costs_no_answer(suite):
    for _ in range(3):
        pid = suite.pid(WORKER)
        with Asking(suite) as asking:
            os.kill(pid, signal.SIGKILL)
            assert served(suite)  # waits for the successor
            wait_until(lambda: suite.pid(WORKER) not in (0, pid), DEADLINE, "the worker is restarted")  # noqa: B023
            wait_until(lambda: asking.answered > TRIES, DEADLINE, "there were answers meanwhile")
        assert asking.wrong == []


def test_a_change_of_the_configuration_holds_at_once(suite):
    for refused in ("127.0.0.0/8", "192.0.2.0/24"):
        suite.control("config", "set", "zones", left(refused))
        suite.control("config", "commit", "-m", "an ACL")
        assert served(suite) == (refused != "127.0.0.0/8")


def test_without_the_component_auth_answers_by_itself(suite):
    suite.control("config", "set", "components.authworker.enabled", "false")
    suite.control("config", "commit", "-m", "no worker")
    wait_until(lambda: not list(suite.run.glob("worker.*.sock")), DEADLINE, "the worker is gone")
    assert served(suite)
    suite.control("config", "rollback", "1")


def test_only_the_worker_has_data_sources_open(suite):
    wait_until(lambda: suite.pid(WORKER), DEADLINE, "there is a worker")
    suite.control("component", "restart", "auth", "--wait")  # before there was a worker they may have opened them
    suite.control()
    assert suite.loadzone("another.example.", zone(1, "192.0.2.82")).returncode == 0  # asks how it is served
    assert served(suite)
    (main,) = suite.control("call", "authworker", "status")["sources"]
    assert (main["name"], main["failure"]) == ("main", "")
    assert suite.control("call", "auth", "status")["sources"] == []


def test_a_data_source_that_is_broken_at_the_start_is_told():
    with Suite() as suite:
        suite.state.mkdir(parents=True, exist_ok=True)
        (suite.state / "zones.sqlite").write_bytes(b"this is no database" * 100)
        suite.start(wait=False)  # whose status is no success
        suite.says("AUTH_DATA_SOURCE_WAITING")
        wait_until(lambda: WORKER in tellers(suite.bobctl("status").stdout), DEADLINE, "the status tells")
        assert suite.bobctl("status").returncode == 1
        shown = suite.control("call", "stats", "show", "component=authworker")["modules"]["authworker"]
        assert shown["counters"]["datasource.failures"] == 1


def tellers(shown: str) -> str:
    """Who says that the data source fails: auth, too, if something was asked before there was a worker."""
    return "".join(line.partition("says ")[2] for line in shown.splitlines() if "source main fails: " in line)


def guide_example() -> str:
    """The hook in the operator's guide."""
    guide = (Path(__file__).parents[2] / "docs" / "guide.md").read_text()
    return guide.split("```python\n# /etc/bob/near.py\n")[1].split("```")[0]


def address_of(suite: Suite, name: str = "www.example.org.") -> str:
    return str(suite.query(name, "A").answer[0][0].address)


def test_the_hook_of_the_guide_answers_and_what_it_does_wrong_is_told(suite):
    suite.loadzone("example.org.", zone(1, "192.0.2.80"))
    file = suite.directory / "near.py"
    file.write_text(guide_example())
    wait_until(lambda: address_of(suite) == "192.0.2.80", DEADLINE, "the zone is served")
    suite.control("config", "set", "auth.hook.file", str(file))
    suite.control("config", "set", "zones", '{"example.org": {"hook": true}}')
    suite.control("config", "commit", "-m", "addresses by network")
    assert address_of(suite) == "192.0.2.10"
    wait_until(lambda: address_of(suite, "www.example.") == "192.0.2.80", DEADLINE, "other zones are as ever")
    assert "auth.hook" in suite.bobctl("explain", "www.example.org", "A").stdout

    file.write_text("def answer(query):\n    while True: pass\n")
    suite.control("call", "auth", "reload")
    with Asking(suite) as asking:
        assert address_of(suite) == "192.0.2.80"
    assert asking.wrong == []
    suite.says("AUTH_HOOK_FAILED the answer hook failed at www.example.org. of zone example.org.")

    worker, auth = suite.pid(WORKER), suite.pid("auth/0")
    file.write_text("import sys\n\n\ndef answer(query):\n    sys.exit(3)\n")
    suite.control("call", "auth", "reload")
    assert address_of(suite) == "192.0.2.80"
    suite.says("SystemExit: 3 (line 5)")
    file.write_text("import sys\n\nsys.exit(4)\n")
    suite.control("call", "auth", "reload")
    suite.says(f"AUTHWORKER_HOOK_UNUSABLE the answer hook cannot be used: {file}: SystemExit: 4 (line 3)")
    assert (suite.pid(WORKER), suite.pid("auth/0")) == (worker, auth)

    file.write_text("def answer(query)\n")
    suite.control("call", "auth", "reload")
    suite.says(f"AUTHWORKER_HOOK_UNUSABLE the answer hook cannot be used: {file}: SyntaxError")
    suite.control("config", "set", "auth.hook.function", "other")
    refused = suite.bobctl("config", "commit", "-m", "no such function")
    assert refused.returncode != 0
    assert f"auth.hook.file: {file}: SyntaxError" in refused.stdout + refused.stderr
