"""Makes and checks the directories of the suite (design section 9), and clears what a killed suite left behind."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from bob.errors import StartError
from bob.privileges import Account
from daemonkit.links import strangers_link
from daemonkit.paths import Directories

STATE_MODE = 0o750
RUN_MODE = 0o755  # clients of other users reach the control socket in it; its own mode says who may speak
BUS_MODE = 0o700


def make_directories(directories: Directories, account: Account) -> None:
    """Make what is missing, for the account. To be called before the user is changed. Raises StartError."""
    _make(directories.state, STATE_MODE, account, "state directory")
    _make(directories.run, RUN_MODE, account, "run directory")


def check_directories(directories: Directories) -> None:
    """Raise StartError unless this user can work in them. To be called after the user is changed."""
    for path, meaning in ((directories.state, "state directory"), (directories.run, "run directory")):
        if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
            owner = path.stat().st_uid
            raise StartError(f"cannot write in the {meaning} {path}: it belongs to uid {owner}, we are {os.geteuid()}")


def clear_run_directory(directories: Directories) -> None:
    """Remove the sockets of a suite that was killed. Only under the lock of the directory. Raises StartError."""
    bus = directories.bus_socket.parent
    try:
        directories.control_socket.unlink(missing_ok=True)
        if bus.is_symlink() or (bus.exists() and not bus.is_dir()):
            bus.unlink()
        shutil.rmtree(bus, ignore_errors=False) if bus.exists() else None
        bus.mkdir(mode=BUS_MODE)
        bus.chmod(BUS_MODE)  # whatever the umask
    except OSError as error:
        raise StartError(f"cannot prepare the run directory {directories.run}: {error}") from error


def _make(path: Path, mode: int, account: Account, meaning: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.mkdir(mode=mode)
        except FileExistsError:
            _check(path, account, meaning)
            return
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.fchmod(descriptor, mode)
            if os.geteuid() == 0:
                os.fchown(descriptor, account.uid, account.gid)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StartError(f"cannot make the {meaning} {path}: {error.strerror}") from error


def _check(path: Path, account: Account, meaning: str) -> None:
    """One that is there already: what we make in it must not be led elsewhere, or be exchanged."""
    if reason := strangers_link(path, account.uid):
        raise StartError(f"the {meaning} {path} cannot be used: {reason}")
    found = path.stat()
    if not stat.S_ISDIR(found.st_mode):
        raise StartError(f"the {meaning} {path} is no directory")
    if found.st_mode & stat.S_IWOTH:
        raise StartError(f"everybody may write in the {meaning} {path}: chmod o-w, or name a directory of its own")
