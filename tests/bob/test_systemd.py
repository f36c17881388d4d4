"""What the service manager hears and keeps."""

from __future__ import annotations

import array
import fcntl
import os
import socket

import pytest

from bob import systemd
from bob.systemd import ServiceManager


class Manager:
    """The other side."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(10)

    def hear(self):
        received = array.array("i")
        data, ancillary, _, _ = self.socket.recvmsg(4096, socket.CMSG_SPACE(253 * 4))
        for _, _, content in ancillary:
            received.frombytes(content)
        return data.decode().split("\n"), list(received)


@pytest.fixture(params=["path", "abstract"])
def heard(request, tmp_path):
    if request.param == "path":
        address = str(tmp_path / "notify")
        manager = Manager(address)
    else:
        address = f"@bob-test-{os.getpid()}"
        manager = Manager("\0" + address[1:])
    ours = ServiceManager({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())})
    yield manager, ours
    ours.close()
    manager.socket.close()


def test_every_message_is_in_the_manager_s_words(heard):
    manager, ours = heard
    assert ours.present
    assert ours.watchdog_interval == 1.5
    ours.ready("fine")
    assert manager.hear()[0] == ["READY=1", "STATUS=fine", f"MAINPID={os.getpid()}"]
    ours.reloading()
    assert manager.hear()[0][0] == "RELOADING=1"
    ours.status("well")
    assert manager.hear()[0] == ["STATUS=well"]
    ours.ping()
    assert manager.hear()[0] == ["WATCHDOG=1"]
    ours.stopping("enough")
    assert manager.hear()[0] == ["STOPPING=1", "STATUS=enough"]


def test_descriptors_are_stored_under_a_name_in_as_many_messages_as_it_takes(heard):
    manager, ours = heard
    with open(os.devnull, "rb") as file:
        ours.store("listen-0", [file.fileno()] * 450)
    counts = []
    for _ in range(3):
        words, descriptors = manager.hear()
        assert words == ["FDSTORE=1", "FDNAME=listen-0", "FDPOLL=0"]
        counts.append(len(descriptors))
        for descriptor in descriptors:
            os.close(descriptor)
    assert counts == [200, 200, 50]
    ours.forget("listen-0")
    assert manager.hear()[0] == ["FDSTOREREMOVE=1", "FDNAME=listen-0"]


def test_without_a_manager_nothing_is_said():
    ours = ServiceManager({})
    assert not ours.present
    assert ours.watchdog_interval is None
    ours.ready("to nobody")
    ours.store("listen-0", [0])
    ours.close()


def test_a_manager_that_went_away_is_no_error(tmp_path):
    ours = ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "gone")})
    ours.ready("fine")
    ours.close()


def test_the_variables_are_taken_out_of_the_environment():
    environment = dict.fromkeys(systemd.VARIABLES, "1") | {"PATH": "/bin"}
    ServiceManager(environment).close()
    assert environment == {"PATH": "/bin"}


def test_a_watchdog_of_another_process_is_not_ours():
    assert ServiceManager({"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}).watchdog_interval is None


def adjacent_descriptors() -> tuple[int, int]:
    """Two that follow each other, as those that systemd passes; what os.pipe() gives need not."""
    with open(os.devnull, "rb") as file:
        first = fcntl.fcntl(file.fileno(), fcntl.F_DUPFD_CLOEXEC, 500)
        return first, os.dup2(file.fileno(), first + 1, inheritable=False)


def test_passed_descriptors_are_named_and_kept_from_children(monkeypatch):
    first, second = adjacent_descriptors()
    monkeypatch.setattr(systemd, "FIRST_PASSED", first)
    os.set_inheritable(first, True)
    environment = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2", "LISTEN_FDNAMES": "listen-0:listen-1"}
    ours = ServiceManager(environment)
    assert [(item.name, item.descriptor) for item in ours.stored] == [("listen-0", first), ("listen-1", second)]
    assert not os.get_inheritable(first)
    os.close(first)
    os.close(second)


def test_descriptors_for_another_process_are_not_touched():
    assert ServiceManager({"LISTEN_PID": "1", "LISTEN_FDS": "2"}).stored == ()
