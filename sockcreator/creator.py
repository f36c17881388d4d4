"""The privileged helper: makes the sockets bob asks for and passes them on. Started `python -I -S creator.py ...`.

Standard library only, so that no code of others runs with its privilege. Arguments: the descriptor of the channel, the
process id of bob, the uid to run under, then each place it may bind as `udp/ADDRESS@PORT` or `tcp/ADDRESS@PORT`.

One AF_UNIX SOCK_SEQPACKET channel; a request is one packet of REQUEST, the reply one packet of REPLY, in order, with
the descriptor by SCM_RIGHTS where one was made. It ends at end-of-file. What it does not understand or may not do is
answered with an error.

    operation  SOCKET: make it; PROBE: prove that nobody holds the place, keep nothing; NOTHING: say that you live
    status     DONE or FAILED; then the step that failed and the errno
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import socket
import struct
import sys

# operation, protocol, family, port, scope of a link-local address, address (IPv4: the first 4 bytes, the rest zero)
REQUEST = struct.Struct("!cccxHxxI16s")
REPLY = struct.Struct("!ccxxi")  # status, step, errno

SOCKET, PROBE, NOTHING = b"S", b"P", b"N"
UDP, TCP = b"U", b"T"
IPV4, IPV6 = b"4", b"6"
DONE, FAILED = b"D", b"F"
NO_STEP, MALFORMED, NOT_ALLOWED, CREATE, OPTION, BIND, LISTEN = b"-", b"?", b"X", b"C", b"O", b"B", b"L"

RECEIVE_BUFFER = 4 * 1024 * 1024  # holds the queries that wait while a dead server process is replaced
MAX_PORT = 0xFFFF
LISTEN_BACKLOG = 4096  # the kernel lowers it to net.core.somaxconn

# Numbers the socket module does not name: linux/in.h, linux/in6.h, asm-generic/socket.h.
IP_PKTINFO, IP_MTU_DISCOVER, IP_FREEBIND = 8, 10, 15
IPV6_MTU_DISCOVER, IPV6_FREEBIND = 23, 78
PMTUDISC_OMIT = 5  # never believe path MTU news: forged ones would make us fragment
SO_RCVBUFFORCE = 33

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38  # prctl(2)
CAP_NET_BIND_SERVICE = 10  # capabilities(7)
CAPABILITY_VERSION = 0x20080522  # linux/capability.h, _LINUX_CAPABILITY_VERSION_3

EXIT_USAGE = 2
EXIT_WRONG_USER = 77  # EX_NOPERM of sysexits.h

Place = tuple[bytes, bytes, int, int, bytes]  # protocol, family, port, scope, address as in a request


class StepError(Exception):
    """One step of making a socket failed."""

    def __init__(self, step: bytes, number: int) -> None:
        super().__init__(step, number)
        self.step = step
        self.number = number


def parse_place(text: str) -> Place:
    """Read `udp/ADDRESS@PORT`; a link-local address carries its interface's number: `fe80::1%2`. Raises ValueError."""
    protocol, _, endpoint = text.partition("/")
    address, _, port = endpoint.rpartition("@")
    address, _, scope = address.partition("%")
    if protocol not in ("udp", "tcp") or not 0 < int(port) <= MAX_PORT:
        raise ValueError(text)
    family, packed = IPV4, b""
    try:
        if ":" in address:
            family, packed = IPV6, socket.inet_pton(socket.AF_INET6, address)
        else:
            packed = socket.inet_pton(socket.AF_INET, address).ljust(16, b"\0")
    except OSError as error:
        raise ValueError(text) from error
    return UDP if protocol == "udp" else TCP, family, int(port), int(scope or 0), packed


def make_socket(place: Place, *, shared: bool) -> socket.socket:
    """A bound socket for the place; `shared` is one of a SO_REUSEPORT group, set up for serving. Raises StepError."""
    protocol, family, port, scope, packed = place
    version = socket.AF_INET if family == IPV4 else socket.AF_INET6
    address = socket.inet_ntop(version, packed[:4] if family == IPV4 else packed)
    step = CREATE
    made = None
    try:
        made = socket.socket(version, socket.SOCK_DGRAM if protocol == UDP else socket.SOCK_STREAM)
        step = OPTION
        set_options(made, place, shared=shared)
        step = BIND
        made.bind((address, port) if family == IPV4 else (address, port, 0, scope))
        if protocol == TCP and shared:
            step = LISTEN
            made.listen(LISTEN_BACKLOG)
        return made
    except OSError as error:
        if made is not None:
            made.close()
        raise StepError(step, error.errno or errno.EIO) from error


def set_options(made: socket.socket, place: Place, *, shared: bool) -> None:
    """Everything that must be set before bind."""
    protocol, family, _, _, packed = place
    made.setblocking(False)
    if family == IPV6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if any(packed):  # a listed address may not exist yet
        freebind = (socket.IPPROTO_IP, IP_FREEBIND) if family == IPV4 else (socket.IPPROTO_IPV6, IPV6_FREEBIND)
        made.setsockopt(*freebind, 1)
    elif protocol == UDP:  # a wildcard: the answer leaves from the address that was asked
        pktinfo = (socket.IPPROTO_IP, IP_PKTINFO) if family == IPV4 else (socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO)
        made.setsockopt(*pktinfo, 1)
    if protocol == TCP:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if protocol == UDP:
        discover = (socket.IPPROTO_IP, IP_MTU_DISCOVER) if family == IPV4 else (socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER)
        made.setsockopt(*discover, PMTUDISC_OMIT)
        try:
            made.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
        except PermissionError:  # without CAP_NET_ADMIN: as much as net.core.rmem_max allows
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)


def answer(packet: bytes, allowed: frozenset[Place]) -> tuple[bytes, socket.socket | None]:
    """The reply to one request, and the socket that goes with it."""
    try:
        if len(packet) != REQUEST.size:
            raise StepError(MALFORMED, errno.EINVAL)
        operation, *fields = REQUEST.unpack(packet)
        place: Place = (fields[0], fields[1], fields[2], fields[3], fields[4])
        if operation == NOTHING:
            return REPLY.pack(DONE, NO_STEP, 0), None
        if operation not in (SOCKET, PROBE):
            raise StepError(MALFORMED, errno.EINVAL)
        if place not in allowed:
            raise StepError(NOT_ALLOWED, errno.EPERM)
        made = make_socket(place, shared=operation == SOCKET)
        if operation == PROBE:
            made.close()
            return REPLY.pack(DONE, NO_STEP, 0), None
        return REPLY.pack(DONE, NO_STEP, 0), made
    except StepError as failure:
        return REPLY.pack(FAILED, failure.step, failure.number), None


def confine(parent: int) -> None:
    """Die with bob; keep no capability but that of binding low ports, and never gain one. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = struct.pack("=Ii", CAPABILITY_VERSION, 0)
    sets = ctypes.create_string_buffer(24)  # effective, permitted, inheritable; low words, then high words
    calls = [(libc.prctl, (PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)), (libc.prctl, (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))]
    for call, arguments in [*calls, (libc.capget, (header, sets))]:
        if call(*arguments) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    kept = struct.unpack("=6I", sets.raw)[1] & 1 << CAP_NET_BIND_SERVICE
    if libc.capset(header, struct.pack("=6I", kept, kept, 0, 0, 0, 0)) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    if os.getppid() != parent:  # it died before the signal was set
        raise OSError(errno.ESRCH, "bob is gone")


def serve(channel: socket.socket, allowed: frozenset[Place]) -> None:
    """Answer until the other side closes. Descriptors sent to us are never received: there is no room for them."""
    while packet := channel.recv(REQUEST.size + 1):
        reply, made = answer(packet, allowed)
        if made is None:
            channel.send(reply)
            continue
        with made:
            socket.send_fds(channel, [reply], [made.fileno()])


def main(arguments: list[str]) -> int:
    """Run; the return value is the exit status."""
    try:
        descriptor, parent, user = (int(text) for text in arguments[:3])
        allowed = frozenset(parse_place(text) for text in arguments[3:])
        channel = socket.socket(fileno=descriptor)
    except (ValueError, OSError) as error:
        print(f"sockcreator: wrong arguments: {error}; bob starts this program", file=sys.stderr)
        return EXIT_USAGE
    if os.geteuid() != user:
        channel.close()
        # Sockets of one SO_REUSEPORT group must belong to one user, socket(7).
        print(f"sockcreator: runs as uid {os.geteuid()}, must be {user}", file=sys.stderr)
        return EXIT_WRONG_USER
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel.setblocking(True)
    try:
        with channel:
            confine(parent)
            serve(channel, allowed)
    except (BrokenPipeError, ConnectionResetError):
        return 0  # bob is gone
    except OSError as error:
        print(f"sockcreator: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
