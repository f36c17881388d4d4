"""Symbolic links at places that an operator names: followed where only root or we ourselves can have put them there.

Whoever may write in the directory of a log file or a secret could otherwise have us write into, or read, whatever we
may. The kernel's fs.protected_symlinks (proc_sys_fs(5)) says so for sticky directories only, and where it is on.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def open_named(path: Path, flags: int, mode: int = 0o600) -> int:
    """Open a file; its descriptor is closed on exec. Raises OSError, for a stranger's link with the reason (ELOOP)."""
    if reason := strangers_link(path):
        raise OSError(errno.ELOOP, reason, str(path))
    follow = 0 if path.is_symlink() else os.O_NOFOLLOW  # one that comes between the look and this is not followed
    return os.open(path, flags | follow | os.O_CLOEXEC, mode)


def strangers_link(path: Path, uid: int | None = None) -> str:
    """Why the link at this place is not followed; empty where it is one of root or of this user (ours), or is none."""
    trusted = (0, os.geteuid() if uid is None else uid)
    try:
        link = path.lstat()
        directory = path.parent.stat()
    except OSError:  # whoever opens it says so
        return ""
    if not stat.S_ISLNK(link.st_mode):
        return ""
    if link.st_uid not in trusted:
        return f"it is a symbolic link of user {link.st_uid}, which is not followed"
    if directory.st_uid not in trusted:
        return f"it is a symbolic link in a directory of user {directory.st_uid}, which is not followed"
    if directory.st_mode & stat.S_IWOTH and not directory.st_mode & stat.S_ISVTX:
        return "it is a symbolic link in a directory where everybody may write, which is not followed"
    return ""
