"""The listening UNIX socket: made whole under a private name, then renamed into its place."""

from __future__ import annotations

import errno
import grp
import os
import socket
import stat
from dataclasses import dataclass
from pathlib import Path

from cmdctl.limits import BACKLOG

OPERATORS = "bob"  # the group whose members may give orders (design section 9)
MODE_GROUP = 0o660
MODE_PRIVATE = 0o600
_PRIVATE_NAME = "control.new"


@dataclass(frozen=True, slots=True)
class Door:
    """An open control socket; `identity` is what was put at `path`, so that nobody else's is removed."""

    path: Path
    listener: socket.socket
    identity: tuple[int, int]

    def remove(self) -> None:
        """Take the socket away, if it is still ours; who is connected stays so."""
        try:
            if _identity(self.path) == self.identity:
                self.path.unlink()
        except FileNotFoundError:  # somebody cleaned the directory
            pass

    def close(self) -> None:
        """Take the socket away and stop listening."""
        self.remove()
        self.listener.close()


def operators_group() -> int | None:
    """The gid of the operators' group, if it exists and this process may give a file to it."""
    try:
        gid = grp.getgrnam(OPERATORS).gr_gid
    except KeyError:
        return None
    return gid if os.geteuid() == 0 or gid == os.getegid() or gid in os.getgroups() else None


def open_door(path: Path, group: int | None) -> Door:
    """Listen at `path`, replacing what a killed predecessor left there. Raises OSError.

    A client never meets a socket with too wide a mode, nor one that does not listen: the rename comes last.
    """
    private = path.with_name(_PRIVATE_NAME)
    private.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _bind(listener, private, group)
        identity = _identity(private)
        private.rename(path)
    except BaseException:
        listener.close()
        private.unlink(missing_ok=True)
        raise
    return Door(path, listener, identity)


def _bind(listener: socket.socket, path: Path, group: int | None) -> None:
    _require_trusted(path.parent)
    listener.bind(str(path))
    path.chmod(MODE_PRIVATE)
    if group is not None:
        os.chown(path, -1, group)
        path.chmod(MODE_GROUP)
    listener.listen(BACKLOG)
    listener.setblocking(False)


def _require_trusted(directory: Path) -> None:
    """Refuse a directory in which any other user could swap the socket for one of their own."""
    mode = directory.stat().st_mode
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        raise PermissionError(errno.EPERM, "any user may write to the run directory", str(directory))


def _identity(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_dev, found.st_ino
