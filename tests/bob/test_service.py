"""bob as a service: readiness, reload, watchdog, and the descriptor store that carries queries over its death."""

from __future__ import annotations

import array
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import dns.message
import pytest

from bob.privileges import CAP_NET_BIND_SERVICE
from tests.bob.installation import interpreter_for, nobody
from tests.kit.stopwatch import Stopwatch
from tests.kit.suite import QUERY_TIMEOUT, Suite, alive, wait_until

DEADLINE = 60.0
LAUNCHER = Path(__file__).with_name("launcher.py")


class ServiceManager(threading.Thread):
    """Hears what a service says and keeps what it stores, as systemd does."""

    def __init__(self, directory: Path) -> None:
        super().__init__(daemon=True)
        self.address = str(directory / "notify")
        self.said: list[str] = []
        self.store: list[tuple[str, int]] = []
        self.lock = threading.Lock()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.address)
        Path(self.address).chmod(0o777)

    def run(self) -> None:
        while True:
            received = array.array("i")
            data, ancillary, _, _ = self.socket.recvmsg(4096, socket.CMSG_SPACE(253 * 4))
            if data == b"end":
                return
            for _, _, content in ancillary:
                received.frombytes(content)
            self.hear(data.decode().split("\n"), list(received))

    def hear(self, lines: list[str], descriptors: list[int]) -> None:
        fields = dict(line.partition("=")[::2] for line in lines)
        with self.lock:
            if "FDSTORE" in fields:
                self.store += [(fields["FDNAME"], descriptor) for descriptor in descriptors]
            elif "FDSTOREREMOVE" in fields:
                for entry in [entry for entry in self.store if entry[0] == fields["FDNAME"]]:
                    os.close(entry[1])
                    self.store.remove(entry)
            else:
                self.said += lines

    def count(self, line: str) -> int:
        return sum(said == line for said in self.said)

    def stop(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"end", self.address)
        self.join()
        self.socket.close()
        for _, descriptor in self.store:
            os.close(descriptor)


class Service(Suite):
    """A suite under a service manager, which as root runs it as nobody with one ambient capability."""

    def __init__(self, python: Path, drop: bool) -> None:
        super().__init__()
        self.python = python
        self.drop = drop
        self.directory.chmod(0o755)
        if drop:
            for path in (self.state, self.run):
                path.mkdir()
                os.chown(path, nobody().uid, nobody().gid)
        self.manager = ServiceManager(self.directory)
        self.manager.start()

    def __exit__(self, *error):
        self.manager.stop()
        super().__exit__(*error)

    def launch(self) -> None:
        with self.manager.lock:
            store = list(self.manager.store)
        descriptors = [descriptor for _, descriptor in store]
        plan = {
            "environment": {"NOTIFY_SOCKET": self.manager.address, "WATCHDOG_USEC": "1000000"},
            "uid": nobody().uid if self.drop else None,
            "gid": nobody().gid,
            "ambient": CAP_NET_BIND_SERVICE,
            "descriptors": descriptors,
            "names": [name for name, _ in store],
        }
        command = self.command()
        command[0] = str(self.python)
        if self.drop:
            at = command.index("--user")
            del command[at : at + 2]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-IS", str(LAUNCHER), json.dumps(plan), *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=descriptors,
            )


@pytest.fixture
def service():
    directory = Path(tempfile.mkdtemp(prefix="bob-python-", dir="/tmp"))
    python = interpreter_for(nobody(), directory) if os.geteuid() == 0 else None
    try:
        with Service(python or Path(sys.executable), drop=python is not None) as made:
            yield made
    finally:
        shutil.rmtree(directory)


def up(service: Service, times: int) -> None:
    def ready():
        assert service.process is not None
        assert service.process.poll() is None, service.log.read_text()
        return service.manager.count("READY=1") >= times

    wait_until(ready, DEADLINE * 2, "READY=1")


def ask(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(DEADLINE)
    sock.sendto(dns.message.make_query("example.org", "SOA").to_wire(), ("127.0.0.1", port))
    return sock


def test_queries_wait_for_the_next_bob_in_the_descriptor_store(service):
    service.launch()
    up(service, 1)
    manager = service.manager
    wait_until(lambda: manager.count("WATCHDOG=1") >= 3, DEADLINE, "the watchdog is fed")
    wait_until(lambda: manager.store, DEADLINE, "sockets are stored")
    before = sorted(name for name, _ in manager.store)
    assert set(before) == {f"listen-{number}" for number in range(len(os.sched_getaffinity(0)))}
    descendants = service.descendants()
    assert service.process is not None
    service.process.send_signal(signal.SIGKILL)
    service.process.wait()
    killed, watch = time.monotonic(), Stopwatch(lambda: filter(alive, descendants))
    wait_until(lambda: watch.seconds() >= 0 and not any(map(alive, descendants)), DEADLINE, "no child is left")
    assert watch.seconds() < 1.0
    with contextlib.ExitStack() as stack:
        waiting = [stack.enter_context(ask(service.port)) for _ in range(50)]  # nobody is there
        service.launch()
        for sock in waiting:
            assert sock.recv(4096)
    assert time.monotonic() - killed < DEADLINE  # 2 s is the goal, without the checks of a test run
    up(service, 2)
    wait_until(lambda: sorted(name for name, _ in manager.store) == before, DEADLINE, "the same sockets are stored")
    assert service.answers(timeout=QUERY_TIMEOUT)


def test_reload_and_stop_are_told(service):
    service.launch()
    up(service, 1)
    assert service.process is not None
    service.process.send_signal(signal.SIGHUP)
    up(service, 2)
    assert service.manager.count("RELOADING=1") == 1
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(DEADLINE) == 0
    assert service.manager.count("STOPPING=1") == 1
