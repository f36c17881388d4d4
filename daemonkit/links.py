"""Symbolic links at places that an operator names: followed where only root or we ourselves can have put them there.

Whoever may write in the directory of a log file or a secret could otherwise have us write into, or read, whatever we
may. The kernel's fs.protected_symlinks (proc_sys_fs(5)) says so for sticky directories only, and where it is on.
"""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
from pathlib import Path


def open_named(path: Path, flags: int, mode: int = 0o600) -> int:
    """Open a file; its descriptor is closed on exec. Raises OSError, for a stranger's link with the reason (ELOOP)."""
    is_link, reason = _look(path, os.geteuid())
    if reason:
        raise OSError(errno.ELOOP, reason, str(path))
    # Nobody else can exchange a link that this look trusts; any that it did not see came later, and is not followed.
    return os.open(path, flags | (0 if is_link else os.O_NOFOLLOW) | os.O_CLOEXEC, mode)


def strangers_link(path: Path, uid: int | None = None) -> str:
    """Why the link at this place is not followed; empty where it is one of root or of this user (ours), or is none."""
    return _look(path, os.geteuid() if uid is None else uid)[1]


def _look(path: Path, uid: int) -> tuple[bool, str]:
    """Whether there is a link, and why it is not followed, if it is not; one look at each says both."""
    trusted = (0, uid)
    try:
        link = path.lstat()
        if not stat.S_ISLNK(link.st_mode):
            return False, ""
        directory = path.parent.stat()
    except OSError:  # whoever opens it says so
        return False, ""
    if link.st_uid not in trusted:
        return True, f"it is a symbolic link of user {link.st_uid}, which is not followed"
    if directory.st_uid not in trusted:
        return True, f"it is a symbolic link in a directory of user {directory.st_uid}, which is not followed"
    if directory.st_mode & stat.S_ISVTX:  # others cannot take a link of root or of ours away (inode(7))
        return True, ""
    if directory.st_mode & stat.S_IWOTH:
        return True, "it is a symbolic link in a directory where everybody may write, which is not followed"
    if directory.st_mode & stat.S_IWGRP and not _is_private(directory.st_gid, trusted):
        return True, (
            f"it is a symbolic link in a directory where the group {directory.st_gid} may write, which is not followed"
        )
    return True, ""


def _is_private(gid: int, uids: tuple[int, ...]) -> bool:
    """Whether a group is that of one of these users and of nobody else: of the same name, without other members."""
    try:
        group = grp.getgrgid(gid)
        names = {pwd.getpwuid(uid).pw_name for uid in uids}
    except KeyError:
        return False
    return group.gr_name in names and names.issuperset(group.gr_mem)
