"""TCP Fast Open (RFC 7413): a query that goes with the first packet of a connection, and whether it was taken there.

`unshare -n python -m tests.kit.fastopen`, in a network namespace of its own, asks a server of ours where the kernel
grants it to servers, and prints a JSON list: for each connection the rcode, and whether the query was taken at once.
"""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import tempfile
from pathlib import Path

import datasrc
from tests.datasrc.zonemaking import SMALL, load
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import DEADLINE, Conversation, Subject, frame
from tests.kit.dnsreply import Reply, demand_sound
from tests.kit.launch_auth import AuthProcess

GRANT = Path("/proc/sys/net/ipv4/tcp_fastopen")  # for both families
TO_CLIENTS, TO_SERVERS = 1, 2
INFO_OCTETS = 104  # of struct tcp_info, as far as all kernels have it
OPTIONS, SYN_DATA = 5, 32  # tcpi_options, TCPI_OPT_SYN_DATA: the other side took what came with the first packet
CONNECTIONS = 3  # the first one only fetches the cookie


def is_granted(whom: int) -> bool:
    """Whether the kernel grants it to these here, if they ask."""
    return GRANT.exists() and int(GRANT.read_text()) & whom == whom


def ask_at_once(subject: Subject, message: bytes) -> tuple[Reply, bool]:
    """The reply to a query that is sent with the first packet, and whether it was taken then, not only behind it."""
    address = subject.addresses[0]
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM) as sock:
        if is_granted(TO_CLIENTS):
            sock.sendto(frame(message), socket.MSG_FASTOPEN, (address, subject.port))
        else:
            sock.connect((address, subject.port))
            sock.sendall(frame(message))
        sock.settimeout(DEADLINE)
        wire = Conversation(sock).read()
        assert wire is not None
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, INFO_OCTETS)
    reply = Reply.read(wire)
    demand_sound(reply, message, udp=False)
    return reply, bool(info[OPTIONS] & SYN_DATA)


def main() -> None:
    """Serve a zone where it is granted, and ask."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    GRANT.write_text(str(TO_CLIENTS | TO_SERVERS))
    with tempfile.TemporaryDirectory() as directory:
        url = f"sqlite:///{directory}/zones.sqlite"
        with contextlib.closing(datasrc.open(url, create=True)) as source:
            load(source, SMALL)
        process = AuthProcess(url, listen=("127.0.0.1",))
        taken = [ask_at_once(process.subject, packet.query("ns.example.")) for _ in range(CONNECTIONS)]
        process.stop()
    print(json.dumps([[reply.rcode, at_once] for reply, at_once in taken]))  # noqa: T201 - the parent reads it


if __name__ == "__main__":
    main()
