"""What accompanies datagrams: the address that was asked, from which the reply leaves (RFC 2181 section 4.1)."""

from __future__ import annotations

import ipaddress
import socket
import struct

# linux/in.h, linux/in6.h; not all of them are in the socket module of Python 3.11.
IP_PKTINFO = 8
IP_MTU_DISCOVER = 10
IPV6_MTU_DISCOVER = 23
# Neither believes what strangers say about the path MTU: no fragments by forged ICMP (RFC 9715 section 3.1).
PMTUDISC_PROBE = 3  # never fragmented, DF set: a datagram larger than the interface's MTU is refused
PMTUDISC_OMIT = 5  # fragmented where it is larger than the interface's MTU

MAX_UNFRAGMENTED = 1232  # octets of a reply that fits wherever IPv6 does (1280 octets less the headers)

WILDCARDS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not bound to
ANCILLARY_SIZE = socket.CMSG_SPACE(20)  # struct in6_pktinfo, the larger one

_IN_PKTINFO = struct.Struct("=I4s4s")  # interface, local address, destination address
_IN6_PKTINFO = struct.Struct("=16sI")  # destination address, interface

Ancillary = list[tuple[int, int, bytes]]
Peer = tuple[str, int] | tuple[str, int, int, int]


def prepare_socket(sock: socket.socket, udp_size: int) -> None:
    """Ask the kernel for the destination address of requests where it is not known, and for unfragmented replies of up
    to `udp_size` octets. May be called again when that changes.
    """
    mode = PMTUDISC_PROBE if udp_size <= MAX_UNFRAGMENTED else PMTUDISC_OMIT
    wildcard = is_wildcard(sock)
    if sock.family == socket.AF_INET:
        if wildcard:
            sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        _try_option(sock, socket.IPPROTO_IP, IP_MTU_DISCOVER, mode)
    else:
        if wildcard:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        _try_option(sock, socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, mode)


def is_wildcard(sock: socket.socket) -> bool:
    """Whether the socket hears every address of its family."""
    return sock.getsockname()[0] in WILDCARDS


def _try_option(sock: socket.socket, level: int, option: int, mode: int) -> None:
    try:
        sock.setsockopt(level, option, mode)
    except OSError:  # an older kernel: replies go out all the same
        pass


def reply_control(control: Ancillary) -> Ancillary:
    """What makes a reply leave from the address the request came to; the route is the kernel's choice."""
    for level, kind, data in control:
        if level == socket.IPPROTO_IP and kind == IP_PKTINFO:
            _, local, _ = _IN_PKTINFO.unpack(data[: _IN_PKTINFO.size])
            return [(level, kind, _IN_PKTINFO.pack(0, local, bytes(4)))]
        if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO:
            destination, interface = _IN6_PKTINFO.unpack(data[: _IN6_PKTINFO.size])
            link_local = ipaddress.IPv6Address(destination).is_link_local
            return [(level, kind, _IN6_PKTINFO.pack(destination, interface if link_local else 0))]
    return []
