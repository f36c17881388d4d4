"""The creator as a real process, driven by its own protocol."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sockcreator import creator
from tests.kit.ports import free_port

PROGRAM = Path(creator.__file__)
DEADLINE = 30.0


class Client:
    """bob's side of the channel, blocking."""

    def __init__(self, *places: str, uid: int | None = None, parent: int | None = None) -> None:
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel.settimeout(DEADLINE)
        with theirs:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", str(PROGRAM), str(theirs.fileno())),
                    *(str(parent or os.getpid()), str(os.geteuid() if uid is None else uid), *places),
                ],
                pass_fds=[theirs.fileno()],
                stderr=subprocess.PIPE,
                text=True,
            )

    def ask_raw(self, packet: bytes) -> tuple[bytes, bytes, int, list[int]]:
        self.channel.send(packet)
        reply, descriptors, _, _ = socket.recv_fds(self.channel, 64, 4)
        status, step, number = creator.REPLY.unpack(reply)
        return status, step, number, descriptors

    def ask(self, operation: bytes, place: str) -> tuple[bytes, bytes, int, list[int]]:
        protocol, family, port, scope, packed = creator.parse_place(place)
        return self.ask_raw(creator.REQUEST.pack(operation, protocol, family, port, scope, packed))

    def make(self, place: str) -> socket.socket:
        status, step, number, descriptors = self.ask(creator.SOCKET, place)
        assert (status, step, number) == (creator.DONE, creator.NO_STEP, 0)
        (descriptor,) = descriptors
        return socket.socket(fileno=descriptor)

    def rest(self) -> None:
        """Return when it has finished with the request before, and closed its copy of the socket."""
        self.ask_raw(creator.REQUEST.pack(creator.NOTHING, b"0", b"0", 0, 0, b""))

    def held(self) -> int:
        self.rest()
        return sum(1 for _ in Path(f"/proc/{self.process.pid}/fd").iterdir())

    def end(self) -> int:
        self.channel.close()
        status = self.process.wait(DEADLINE)
        assert self.process.stderr
        self.process.stderr.close()
        return status


@contextlib.contextmanager
def running(*places: str) -> Iterator[Client]:
    client = Client(*places)
    try:
        yield client
    finally:
        assert client.end() == 0


def option(made: socket.socket, level: int, name: int) -> int:
    return made.getsockopt(level, name)


def test_a_udp_socket_is_bound_shared_and_does_not_block():
    port = free_port()
    with running(f"udp/127.0.0.1@{port}") as client, client.make(f"udp/127.0.0.1@{port}") as made:
        assert made.getsockname() == ("127.0.0.1", port)
        assert made.type == socket.SOCK_DGRAM
        assert option(made, socket.SOL_SOCKET, socket.SO_REUSEPORT)
        assert not os.get_blocking(made.fileno())
        assert option(made, socket.IPPROTO_IP, creator.IP_FREEBIND)
        assert option(made, socket.IPPROTO_IP, creator.IP_MTU_DISCOVER) == creator.PMTUDISC_OMIT
        limit = int(Path("/proc/sys/net/core/rmem_max").read_text())
        assert option(made, socket.SOL_SOCKET, socket.SO_RCVBUF) >= min(limit, creator.RECEIVE_BUFFER)


def test_two_udp_sockets_of_one_place_share_it():
    place = f"udp/127.0.0.1@{free_port()}"
    with running(place) as client, client.make(place) as one, client.make(place) as two:
        assert one.getsockname() == two.getsockname()


def test_a_tcp_socket_listens():
    place = f"tcp/127.0.0.1@{free_port()}"
    with running(place) as client, client.make(place) as made:
        assert option(made, socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        assert option(made, socket.SOL_SOCKET, socket.SO_REUSEADDR)
        with socket.create_connection(made.getsockname(), timeout=DEADLINE):
            assert select.select([made], [], [], DEADLINE)[0]
            made.accept()[0].close()


def test_an_ipv6_socket_leaves_ipv4_alone():
    place = f"udp/::1@{free_port()}"
    with running(place) as client, client.make(place) as made:
        assert option(made, socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
        assert option(made, socket.IPPROTO_IPV6, creator.IPV6_FREEBIND)


def test_wildcard_sockets_tell_which_address_was_asked():
    port = free_port()
    with (
        running(f"udp/0.0.0.0@{port}", f"udp/::@{port}") as client,
        client.make(f"udp/0.0.0.0@{port}") as four,
        client.make(f"udp/::@{port}") as six,
    ):
        assert option(four, socket.IPPROTO_IP, creator.IP_PKTINFO)
        assert not option(four, socket.IPPROTO_IP, creator.IP_FREEBIND)
        assert option(six, socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO)


def test_an_address_that_does_not_exist_yet_can_be_bound():
    place = f"udp/192.0.2.77@{free_port()}"
    with running(place) as client, client.make(place) as made:
        assert made.getsockname()[0] == "192.0.2.77"


@pytest.mark.parametrize(
    "asked",
    ["udp/127.0.0.1@22", "tcp/127.0.0.1@{port}", "udp/127.0.0.2@{port}", "udp/::@{port}", "udp/0.0.0.0@{port}"],
)
def test_a_place_that_was_not_allowed_is_refused(asked):
    """V69."""
    port = free_port()
    with running(f"udp/127.0.0.1@{port}") as client:
        reply = client.ask(creator.SOCKET, asked.format(port=port))
        assert reply == (creator.FAILED, creator.NOT_ALLOWED, errno.EPERM, [])
        client.make(f"udp/127.0.0.1@{port}").close()


@pytest.mark.parametrize(
    "packet",
    [b"x", bytes(creator.REQUEST.size - 1), bytes(creator.REQUEST.size), b"S" * 29, b"S" * 70000, b"Z" + bytes(27)],
)
def test_what_the_protocol_does_not_name_is_answered_with_an_error(packet):
    """V69."""
    place = f"udp/127.0.0.1@{free_port()}"
    with running(place) as client:
        assert client.ask_raw(packet) == (creator.FAILED, creator.MALFORMED, errno.EINVAL, [])
        client.make(place).close()


def test_an_unknown_protocol_or_family_is_never_allowed():
    port = free_port()
    with running(f"udp/127.0.0.1@{port}") as client:
        for protocol, family in ((b"R", b"4"), (b"U", b"9")):
            packet = creator.REQUEST.pack(creator.SOCKET, protocol, family, port, 0, b"\x7f\0\0\1".ljust(16, b"\0"))
            assert client.ask_raw(packet)[:2] == (creator.FAILED, creator.NOT_ALLOWED)


def test_descriptors_sent_to_it_are_not_kept():
    """V69."""
    with running() as client:
        held = client.held()
        for _ in range(20):
            with open(os.devnull, "rb") as file:
                socket.send_fds(client.channel, [creator.REQUEST.pack(b"N", b"0", b"0", 0, 0, b"")], [file.fileno()])
            assert client.channel.recv(64)[:1] == creator.DONE
        assert client.held() == held


def test_ten_thousand_requests_leave_no_descriptor_behind():
    """V69."""
    place = f"udp/127.0.0.1@{free_port()}"
    with running(place) as client:
        client.make(place).close()
        held = client.held()
        for _ in range(10_000):
            client.make(place).close()
        assert client.held() == held


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_a_probe_finds_a_holder_that_would_share(protocol):
    place = f"{protocol}/127.0.0.1@{free_port()}"
    with running(place) as first, running(place) as second:
        assert second.ask(creator.PROBE, place) == (creator.DONE, creator.NO_STEP, 0, [])
        with first.make(place):
            assert second.ask(creator.PROBE, place) == (creator.FAILED, creator.BIND, errno.EADDRINUSE, [])
            first.rest()
        assert second.ask(creator.PROBE, place) == (creator.DONE, creator.NO_STEP, 0, [])


def test_a_place_held_by_another_is_reported_with_its_step_and_errno():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", 0))
        place = f"udp/127.0.0.1@{holder.getsockname()[1]}"
        with running(place) as client:
            assert client.ask(creator.SOCKET, place) == (creator.FAILED, creator.BIND, errno.EADDRINUSE, [])


def test_nothing_is_a_sign_of_life():
    with running() as client:
        packet = creator.REQUEST.pack(creator.NOTHING, b"0", b"0", 0, 0, b"")
        assert client.ask_raw(packet) == (creator.DONE, creator.NO_STEP, 0, [])


def test_it_refuses_to_run_under_another_user():
    client = Client("udp/127.0.0.1@5353", uid=os.geteuid() + 1)
    assert client.process.wait(DEADLINE) == creator.EXIT_WRONG_USER
    assert client.process.stderr
    assert f"must be {os.geteuid() + 1}" in client.process.stderr.read()
    client.end()


@pytest.mark.parametrize("place", ["udp/127.0.0.1@0", "udp/nowhere@53", "sctp/127.0.0.1@53", "udp/127.0.0.1@x", "53"])
def test_wrong_arguments_are_said_and_end_it(place):
    client = Client(place)
    assert client.process.wait(DEADLINE) == creator.EXIT_USAGE
    client.end()


def test_it_does_not_start_for_a_parent_that_is_gone():
    client = Client(parent=1)
    assert client.process.wait(DEADLINE) == 1
    client.end()


def test_it_keeps_no_capability_but_that_of_low_ports():
    with running() as client:
        client.ask_raw(creator.REQUEST.pack(creator.NOTHING, b"0", b"0", 0, 0, b""))
        lines = Path(f"/proc/{client.process.pid}/status").read_text().splitlines()
        status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        allowed = 1 << creator.CAP_NET_BIND_SERVICE
        assert int(status["CapPrm"], 16) & ~allowed == 0
        assert int(status["CapEff"], 16) == int(status["CapPrm"], 16)
        assert int(status["CapInh"], 16) == int(status["CapAmb"], 16) == 0
        assert status["NoNewPrivs"] == "1"


def test_it_dies_with_its_parent(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, socket, subprocess, sys\n"
        "ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
        "copy = os.dup(ours.fileno()); os.set_inheritable(copy, True)\n"
        "child = subprocess.Popen([sys.executable, '-I', '-S', sys.argv[1], str(theirs.fileno()), str(os.getpid()),\n"
        "    str(os.geteuid())], pass_fds=[theirs.fileno(), copy])\n"  # it holds our end: no end-of-file will come
        "ours.send(b'N' + b'0' * 27); ours.recv(64)\n"
        "print(child.pid, flush=True); sys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, str(script), str(PROGRAM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout
    child = os.pidfd_open(int(parent.stdout.readline()))
    parent.send_signal(signal.SIGKILL)
    assert select.select([child], [], [], DEADLINE)[0], "the creator outlived its parent"
    os.close(child)
    parent.communicate()
