"""Who is at the other end of a UNIX socket, and whether they may give orders. The kernel says it, not the client."""

from __future__ import annotations

import errno
import ipaddress
import os
import pwd
import socket
import struct
from dataclasses import dataclass

from cmdctl.roles import Role

_UCRED = struct.Struct("iII")  # pid, uid, gid: struct ucred of unix(7)
# asm-generic/socket.h, since Linux 4.13; the socket module does not name it. Alpha, MIPS and PA-RISC number otherwise.
SO_PEERGROUPS = 59
_GID = struct.Struct("I")
_MAX_GROUPS_BUFFER = 1024  # bytes; what socket.getsockopt allows
HOST_PREFIX = 64  # bits of an IPv6 address that a host does not choose by itself (RFC 4291 section 2.5.1)


@dataclass(frozen=True, slots=True)
class Peer:
    """A process that connected, as of its connect()."""

    pid: int
    uid: int
    gid: int
    groups: frozenset[int]  # supplementary

    def __str__(self) -> str:
        return f"uid {self.uid} (pid {self.pid})"


@dataclass(frozen=True, slots=True)
class RemotePeer:
    """Whoever connected over TCP."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"{self.address}@{self.port}"


def neighbourhood(address: str) -> str:
    """What is counted as one origin: an IPv4 address, or the /64 of an IPv6 address, whose host has 2^64 of them."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    return str(ipaddress.ip_network((int(found), HOST_PREFIX), strict=False))


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may give orders: root, the suite's own user, and members of one group, if there is one."""

    uid: int
    group: int | None
    group_role: Role = Role.ADMIN

    def role_of(self, peer: Peer) -> Role | None:
        """What this peer may; None: nothing. Root and the suite's own user may everything."""
        if peer.uid in (0, self.uid):
            return Role.ADMIN
        if self.group is not None and (self.group == peer.gid or self.group in peer.groups):
            return self.group_role
        return None


def peer_of(connection: socket.socket) -> Peer | RemotePeer:
    """The peer's credentials (SO_PEERCRED and SO_PEERGROUPS, unix(7)), or its address where it came over TCP."""
    if connection.family != socket.AF_UNIX:
        address, port, *_ = connection.getpeername()
        return RemotePeer(address, port)
    pid, uid, gid = _UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    return Peer(pid, uid, gid, _groups_of(connection))


def _groups_of(connection: socket.socket) -> frozenset[int]:
    """The supplementary groups; empty where the kernel does not tell, which permits less, never more."""
    try:
        data = connection.getsockopt(socket.SOL_SOCKET, SO_PEERGROUPS, _MAX_GROUPS_BUFFER)
    except OSError as error:
        if error.errno in (errno.ENOPROTOOPT, errno.ERANGE):  # an old kernel; more than 256 groups
            return frozenset()
        raise
    return frozenset(gid for (gid,) in _GID.iter_unpack(data))


def user_name(uid: int) -> str:
    """The account's name, or `uid:N` for one without. May ask the network (NSS): not for the event loop."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid:{uid}"


def own_policy(group: int | None) -> Policy:
    """The policy of this process."""
    return Policy(os.geteuid(), group)
