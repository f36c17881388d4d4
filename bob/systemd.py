"""What systemd is told and asked: sd_notify(3), the watchdog, the descriptor store (sd_pid_notify_with_fds(3)).

Only bob speaks to the service manager; the variables are taken out of the environment, so that no child does.
"""

from __future__ import annotations

import array
import os
import socket
import time
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass

FIRST_PASSED = 3  # SD_LISTEN_FDS_START
MAX_FDS_A_MESSAGE = 200  # SCM_MAX_FD is 253
VARIABLES = (
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
    "LISTEN_PIDFDID",
)


@dataclass(frozen=True, slots=True)
class StoredDescriptor:
    """One that a bob before us left in the store."""

    name: str
    descriptor: int


class ServiceManager:
    """The service manager, or nobody: then every message goes nowhere."""

    def __init__(self, environment: MutableMapping[str, str]) -> None:
        """Read the variables and remove them."""
        taken = {name: environment.pop(name, "") for name in VARIABLES}
        self._address = taken["NOTIFY_SOCKET"]
        self._socket: socket.socket | None = None
        if self._address[:1] in ("/", "@"):
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        ours = taken["WATCHDOG_PID"] in ("", str(os.getpid()))
        interval = int(taken["WATCHDOG_USEC"]) if taken["WATCHDOG_USEC"].isdigit() and ours else 0
        self.watchdog_interval = interval / 2_000_000 or None  # seconds between pings: half of the time-out
        self.stored = _passed(taken)

    @property
    def present(self) -> bool:
        """Whether there is somebody to tell."""
        return self._socket is not None

    def ready(self, status: str) -> None:
        """The suite is up."""
        self._send(f"READY=1\nSTATUS={status}\nMAINPID={os.getpid()}")

    def reloading(self) -> None:
        """A reload begins; ready() ends it."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self, status: str) -> None:
        """The end begins."""
        self._send(f"STOPPING=1\nSTATUS={status}")

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        self._send(f"STATUS={text}")

    def ping(self) -> None:
        """Our loop turns."""
        self._send("WATCHDOG=1")

    def store(self, name: str, descriptors: Sequence[int]) -> None:
        """Keep these under a name beyond our death. Without polling: an error waiting in a socket must not lose it."""
        for start in range(0, len(descriptors), MAX_FDS_A_MESSAGE):
            part = descriptors[start : start + MAX_FDS_A_MESSAGE]
            self._send(f"FDSTORE=1\nFDNAME={name}\nFDPOLL=0", part)

    def forget(self, name: str) -> None:
        """Close what is stored under a name."""
        self._send(f"FDSTOREREMOVE=1\nFDNAME={name}")

    def close(self) -> None:
        """Say no more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, message: str, descriptors: Sequence[int] = ()) -> None:
        if self._socket is None:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            self._socket.sendmsg(
                [message.encode()],
                [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else [],
                0,
                address,
            )
        except OSError:  # the manager is being re-executed; what it must know is said again at the next change
            pass


def _passed(taken: MutableMapping[str, str]) -> tuple[StoredDescriptor, ...]:
    if taken["LISTEN_PID"] != str(os.getpid()) or not taken["LISTEN_FDS"].isdigit():
        return ()
    count = int(taken["LISTEN_FDS"])
    names = taken["LISTEN_FDNAMES"].split(":") + ["unknown"] * count
    passed = []
    for descriptor, name in zip(range(FIRST_PASSED, FIRST_PASSED + count), names, strict=False):
        os.set_inheritable(descriptor, False)
        passed.append(StoredDescriptor(name, descriptor))
    return tuple(passed)
