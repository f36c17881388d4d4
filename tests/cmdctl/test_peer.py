"""Peer credentials and who may."""

from __future__ import annotations

import os
import socket

import pytest

from cmdctl.peer import Peer, Policy, RemotePeer, peer_of, user_name
from cmdctl.roles import Role

SUITE = 900
GROUP = 901


def peer(uid=1000, gid=1000, groups=()):
    return Peer(pid=1, uid=uid, gid=gid, groups=frozenset(groups))


@pytest.mark.parametrize(
    ("who", "permitted"),
    [
        (peer(uid=0), True),
        (peer(uid=SUITE), True),
        (peer(gid=GROUP), True),
        (peer(groups=[4, GROUP]), True),
        (peer(), False),
        (peer(groups=[SUITE]), False),  # a gid is no uid
        (peer(uid=GROUP), False),
        (peer(gid=0, groups=[0]), False),
    ],
)
def test_root_the_suites_user_and_the_operators_may(who, permitted):
    assert (Policy(SUITE, GROUP).role_of(who) is not None) is permitted


def test_without_an_operators_group_membership_means_nothing():
    assert Policy(SUITE, None).role_of(peer(gid=GROUP, groups=[GROUP])) is None


def test_what_the_group_may_is_told_and_the_suites_user_may_everything():
    policy = Policy(SUITE, GROUP, Role.OPERATE)
    assert policy.role_of(peer(gid=GROUP)) is Role.OPERATE
    assert policy.role_of(peer(uid=SUITE, gid=GROUP)) is Role.ADMIN


def test_a_peer_over_tcp_is_its_address():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        accepted, _ = server.accept()
        with accepted:
            assert peer_of(accepted) == RemotePeer(*client.getsockname())


def test_the_kernel_tells_who_is_there():
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        found = peer_of(ours)
    assert isinstance(found, Peer)
    assert (found.pid, found.uid, found.gid) == (os.getpid(), os.geteuid(), os.getegid())
    assert found.groups <= set(os.getgroups())


def test_an_account_has_a_name_and_a_uid_without_one_is_named_by_its_number():
    assert user_name(0) == "root"
    assert user_name(4_000_000_000) == "uid:4000000000"
