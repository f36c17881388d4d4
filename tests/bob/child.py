"""A component that is not ours: plain Python, the standard library only, speaking the control channel by itself.

It answers every datagram, and every TCP connection, with who it is and what generation of sockets it serves. Words in
its arguments make it misbehave.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time

BEAT = 0.3

control = socket.socket(fileno=int(os.environ["BOB_CONTROL_FD"]))
ways = set(sys.argv[1:])
who = {"component": os.environ["BOB_COMPONENT"], "instance": os.environ["BOB_INSTANCE"], "pid": os.getpid()}


def say(**message):
    control.send(json.dumps(message).encode())


def hear():
    """One message of bob, with the sockets that came along; None at the end."""
    packet, descriptors, _, _ = socket.recv_fds(control, 65536, 250)
    if not packet:
        sys.exit(75)
    return json.loads(packet), [socket.socket(fileno=descriptor) for descriptor in descriptors]


def answer(sock):
    text = json.dumps(who).encode()
    try:
        if sock.type == socket.SOCK_DGRAM:
            _, client = sock.recvfrom(512)
            sock.sendto(text, client)
        else:
            connection, _ = sock.accept()
            with connection:
                connection.sendall(text)
    except BlockingIOError:
        pass


def misbehave():
    if "die" in ways:
        say(type="stopping", reason="told to die")
        sys.exit(3)
    if "die-serving" in ways and who["instance"] == "1":
        say(type="ready")
        sys.exit(4)
    if "garbage" in ways:
        control.send(b"\xff\xfe nonsense")
    if "close" in ways:
        control.close()
        time.sleep(600)
    if "deaf" in ways:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "parent" in ways:
        child = subprocess.Popen(["/bin/sleep", "600"])
        who["child"] = child.pid
    if "bind" in ways:
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.bind(("127.0.0.1", int(sys.argv[-2])))
            who["bound"] = True
        except PermissionError:
            who["bound"] = False
    if "environment" in ways:
        who["environment"] = dict(os.environ)
        who["descriptors"] = sorted(int(name) for name in os.listdir("/proc/self/fd"))  # noqa: PTH208 (fewer imports)
    if "file" in ways:
        with open(sys.argv[-1], "w") as file:
            json.dump(who, file)


def main():
    misbehave()
    say(type="heartbeat", revision=7, progress="starting")
    say(type="ready")
    serving: list[socket.socket] = []
    coming: list[socket.socket] = []
    beat = time.monotonic() + BEAT
    while True:
        readable, _, _ = select.select([control, *serving], [], [], max(0, beat - time.monotonic()))
        if time.monotonic() >= beat:
            say(type="heartbeat", revision=7, progress="")
            beat = time.monotonic() + BEAT
        if control in readable:
            readable.remove(control)
            message, sockets = hear()
            if message["type"] == "stop" and "deaf" not in ways:
                say(type="stopping", reason="told to stop")
                sys.exit(0)
            if message["type"] == "sockets":
                coming += sockets
                if not message["more"]:
                    for sock in serving:
                        sock.close()
                    serving, coming, readable = coming, [], []
                    who["instance"], who["generation"] = message["instance"], message["generation"]
                    say(type="sockets_taken", generation=message["generation"])
        for sock in readable:
            answer(sock)


main()
