"""Symbolic links at places that an operator names: followed where only root or we ourselves can have put them there.

Whoever may write in the directory of a log file or a secret could otherwise have us write into, or read, whatever we
may. The kernel's fs.protected_symlinks (proc_sys_fs(5)) says so for sticky directories only, and where it is on.

In a directory of root or ours where a group may write as well, as /var/log of some systems, a member can exchange a
link, but make none that is root's: there it is the link itself that is opened, judged and read, and only what it names
is opened then. Unless the directory is sticky, a member can give its name to another link of root's or ours
(rename(2)): the group is trusted with where those links lead.
"""

from __future__ import annotations

import enum
import errno
import grp
import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

MAX_LINKS = 8  # one after the other; the kernel follows 40


def open_named(path: Path, flags: int, mode: int = 0o600) -> int:
    """Open a file; its descriptor is closed on exec. Raises OSError, for a stranger's link with the reason (ELOOP)."""
    for _ in range(MAX_LINKS):
        found = _look(path, os.geteuid())
        if found.kind is not _Kind.EXCHANGEABLE:
            break
        path = _named_by(path)
    if found.reason:
        raise OSError(errno.ELOOP, found.reason, str(path))
    # Nobody else can exchange a link that this look trusts; any that it did not see came later, and is not followed.
    follow = 0 if found.kind is _Kind.TRUSTED else os.O_NOFOLLOW
    return os.open(path, flags | follow | os.O_CLOEXEC, mode)


def unopenable(path: Path) -> str:
    """Why open_named() would refuse the link at this place; empty where it would not, or there is none."""
    try:
        for _ in range(MAX_LINKS):
            found = _look(path, os.geteuid())
            if found.kind is not _Kind.EXCHANGEABLE:
                break
            path = _named_by(path)
    except OSError as error:
        return error.strerror or str(error)
    return found.reason


def strangers_link(path: Path, uid: int | None = None) -> str:
    """Why the link at this place is not followed; empty where nobody but root or this user (ours) can have put it
    there, or it is none.
    """
    found = _look(path, os.geteuid() if uid is None else uid)
    if found.kind is _Kind.EXCHANGEABLE:
        return _refusal(path, f"where the group {path.parent.stat().st_gid} may write", "g-w")
    return found.reason


class _Kind(enum.Enum):
    NONE = enum.auto()  # no link
    TRUSTED = enum.auto()  # nobody else can have put it there, or can exchange it
    EXCHANGEABLE = enum.auto()  # nobody else can have made it, but it may be another one soon
    STRANGERS = enum.auto()


@dataclass(frozen=True, slots=True)
class _Found:
    kind: _Kind
    reason: str = ""  # why it is not followed


def _look(path: Path, uid: int) -> _Found:
    """What is there; one look at each of link and directory says all."""
    trusted = (0, uid)
    try:
        link = path.lstat()
        if not stat.S_ISLNK(link.st_mode):
            return _Found(_Kind.NONE)
        directory = path.parent.stat()
    except OSError:  # whoever opens it says so
        return _Found(_Kind.NONE)
    if link.st_uid not in trusted:
        reason = f"it is a symbolic link of user {link.st_uid}, which is not followed: name what it leads to"
        return _Found(_Kind.STRANGERS, reason)
    if directory.st_uid not in trusted:
        return _Found(_Kind.STRANGERS, _refusal(path, f"of user {directory.st_uid}"))
    if directory.st_mode & stat.S_ISVTX:  # others cannot take a link of root or of ours away (inode(7))
        return _Found(_Kind.TRUSTED)
    if directory.st_mode & stat.S_IWOTH:
        return _Found(_Kind.STRANGERS, _refusal(path, "where everybody may write", "o-w"))
    if directory.st_mode & stat.S_IWGRP and not _is_private(directory.st_gid, trusted):
        return _Found(_Kind.EXCHANGEABLE)
    return _Found(_Kind.TRUSTED)


def _refusal(path: Path, whose: str, mode: str = "") -> str:
    """Why a link is not followed, and what to do."""
    mend = f", or chmod {mode} {path.parent}" if mode else ""
    return (
        f"it is a symbolic link in a directory {whose}, {path.parent}, which is not followed:"
        f" name what it leads to{mend}"
    )


def _named_by(path: Path) -> Path:
    """What the link names that is there now, where root or we made it. Raises OSError."""
    descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        link = os.fstat(descriptor)
        if not stat.S_ISLNK(link.st_mode) or link.st_uid not in (0, os.geteuid()):
            raise OSError(errno.ELOOP, f"it was exchanged for something of user {link.st_uid} just now", str(path))
        return path.parent / os.readlink("", dir_fd=descriptor)
    finally:
        os.close(descriptor)


def _is_private(gid: int, uids: tuple[int, ...]) -> bool:
    """Whether a group is that of one of these users and of nobody else: of the same name, without other members."""
    try:
        group = grp.getgrgid(gid)
        names = {pwd.getpwuid(uid).pw_name for uid in uids}
    except KeyError:
        return False
    return group.gr_name in names and names.issuperset(group.gr_mem)
