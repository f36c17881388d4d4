"""Who is in the way."""

from __future__ import annotations

import os
import socket

import pytest

from bob import holders
from daemonkit.control import SocketPlace


def bound(family, kind, address, *, v6only=True):
    made = socket.socket(family, kind)
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
    made.bind((address, 0))
    if kind == socket.SOCK_STREAM:
        made.listen()
    return made


@pytest.mark.parametrize(
    ("family", "held", "asked"),
    [
        (socket.AF_INET, "127.0.0.1", "127.0.0.1"),
        (socket.AF_INET, "0.0.0.0", "127.0.0.1"),
        (socket.AF_INET, "127.0.0.1", "0.0.0.0"),
        (socket.AF_INET6, "::1", "::1"),
        (socket.AF_INET6, "::", "::1"),
        (socket.AF_INET6, "::1", "::"),
    ],
)
@pytest.mark.parametrize(("kind", "protocol"), [(socket.SOCK_DGRAM, "udp"), (socket.SOCK_STREAM, "tcp")])
def test_a_socket_in_the_way_is_found(family, held, asked, kind, protocol):
    with bound(family, kind, held) as made:
        found = holders.holders_of(SocketPlace(protocol, asked, made.getsockname()[1]))
        assert [(holder.inode, holder.uid) for holder in found] == [(holders.inode_of(made.fileno()), os.geteuid())]


def test_another_address_protocol_or_port_is_not_in_the_way():
    with bound(socket.AF_INET, socket.SOCK_DGRAM, "127.0.0.1") as made:
        port = made.getsockname()[1]
        assert holders.holders_of(SocketPlace("udp", "127.0.0.2", port)) == []
        assert holders.holders_of(SocketPlace("tcp", "127.0.0.1", port)) == []
        assert holders.holders_of(SocketPlace("udp", "::1", port)) == []


def test_the_holder_is_named_by_process_and_program():
    with bound(socket.AF_INET, socket.SOCK_DGRAM, "127.0.0.1") as made:
        found = holders.holders_of(SocketPlace("udp", "127.0.0.1", made.getsockname()[1]))
        assert holders.describe(found).startswith(f"process {os.getpid()} (")


def test_a_holder_we_may_not_look_into_is_named_by_its_user(tmp_path):
    assert holders.describe([holders.Holder(inode=1, uid=0)], tmp_path) == "a process of the user root"
    assert holders.describe([holders.Holder(inode=1, uid=4242424)], tmp_path) == "a process of the user 4242424"
    assert holders.describe([], tmp_path) == "a process that cannot be seen from here"


def test_a_machine_without_ipv6_has_no_such_table(tmp_path):
    assert holders.holders_of(SocketPlace("udp", "::1", 53), tmp_path) == []
