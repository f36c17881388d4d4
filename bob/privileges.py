"""Who we run as, and the one capability we keep: linux capabilities(7) by way of prctl(2) and capset(2).

As root, bob changes to the user of the suite and keeps CAP_NET_BIND_SERVICE in its permitted set only, where it has no
effect. While sockcreator is spawned the capability is raised to ambient, which an exec keeps, and lowered again after.
"""

from __future__ import annotations

import contextlib
import ctypes
import grp
import os
import pwd
import struct
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bob.errors import PrivilegeError

DEFAULT_USER = "bob"

CAP_NET_BIND_SERVICE = 10  # linux/capability.h
LAST_CAPABILITY = Path("/proc/sys/kernel/cap_last_cap")
CAPABILITY_VERSION = 0x20080522  # _LINUX_CAPABILITY_VERSION_3
PR_SET_KEEPCAPS = 8
PR_CAPBSET_DROP = 24
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE, PR_CAP_AMBIENT_CLEAR_ALL = 2, 4


@dataclass(frozen=True, slots=True)
class Account:
    """The user the suite runs as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The three sets of a thread, as bit masks."""

    effective: int
    permitted: int
    inheritable: int


_libc = ctypes.CDLL(None, use_errno=True)


def choose_account(wanted: str | None) -> Account:
    """The account to run as: root changes to `wanted` or the default, others stay. Raises PrivilegeError."""
    if os.geteuid() != 0:
        own = Account(_user_name(os.geteuid()), os.geteuid(), os.getegid())
        if wanted is not None and wanted != own.name:
            raise PrivilegeError(f"only root can change to the user {wanted}; you are {own.name}")
        return own
    name = wanted or DEFAULT_USER
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        advice = "; create it (useradd --system bob), name another with --user, or say --user root"
        advice = "" if wanted else advice
        raise PrivilegeError(f"there is no account {name!r} to change to{advice}") from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def may_bind_low_ports() -> bool:
    """Whether we hold the capability: as root, or because the service manager gave it to us."""
    return bool(capabilities().permitted & 1 << CAP_NET_BIND_SERVICE)


def become(account: Account) -> None:
    """Change to the account for good; keep CAP_NET_BIND_SERVICE, without effect. Raises PrivilegeError."""
    try:
        if os.geteuid() == 0 and account.uid != 0:
            unreadable = first_unreadable(account, installation_files())
            if unreadable is not None:
                raise PrivilegeError(
                    f"the user {account.name} cannot read {unreadable}: install the suite where it can, "
                    "or let the directories above be entered (chmod o+x)"
                )
            _drop_bounding_set()
            _prctl(PR_SET_KEEPCAPS, 1)
            _change_user(account)
        if account.uid != 0:
            keep_low_ports_only()
    except OSError as error:
        raise PrivilegeError(f"cannot change to the user {account.name}: {error.strerror}") from error


def keep_low_ports_only() -> None:
    """Give up every capability but CAP_NET_BIND_SERVICE, and that one's effect; also what systemd made ambient."""
    _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    kept = capabilities().permitted & 1 << CAP_NET_BIND_SERVICE
    _set_capabilities(Capabilities(effective=0, permitted=kept, inheritable=0))


def give_up_capabilities() -> None:
    """Have none, as after an exec; root has them all the same."""
    _prctl(PR_SET_KEEPCAPS, 0)
    if os.geteuid() != 0:
        _set_capabilities(Capabilities(effective=0, permitted=0, inheritable=0))


@contextlib.contextmanager
def low_ports_for_a_child() -> Iterator[None]:
    """What is spawned within may bind low ports, if we may. Must not be left to the event loop meanwhile."""
    now = capabilities()
    one = 1 << CAP_NET_BIND_SERVICE
    if os.geteuid() == 0 or not now.permitted & one:
        yield  # root hands everything on; without the capability there is nothing to hand on
        return
    _set_capabilities(Capabilities(now.effective, now.permitted, one))
    try:
        _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE)
        yield
    finally:
        _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
        _set_capabilities(now)


def capabilities() -> Capabilities:
    """The sets of this thread."""
    sets = ctypes.create_string_buffer(24)
    if _libc.capget(struct.pack("=Ii", CAPABILITY_VERSION, 0), sets) != 0:
        raise _last_error("capget")
    low = struct.unpack("=6I", sets.raw)
    return Capabilities(*(low[i] | low[i + 3] << 32 for i in range(3)))


def installation_files() -> list[Path]:
    """What a daemon must be able to read: the interpreter, the standard library, its extensions, ours, a dependency."""
    import msgspec

    packages = Path(__file__).resolve().parent.parent
    return [
        Path(sys.executable).resolve(),
        Path(os.__file__),
        Path(sysconfig.get_path("platstdlib")),
        packages / "daemonkit" / "main.py",
        packages / "sockcreator" / "creator.py",
        Path(msgspec.__file__),
    ]


def first_unreadable(account: Account, files: Sequence[Path]) -> Path | None:
    """The first of the files that the account cannot read; found out by a child that becomes the account."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _report_unreadable(account, files, writer)
    os.close(writer)
    with open(reader, "rb") as report:
        answer = report.read()
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise PrivilegeError(f"cannot become the user {account.name}: {os.fsdecode(answer) or 'not allowed'}")
    return Path(os.fsdecode(answer)) if answer else None


def _report_unreadable(account: Account, files: Sequence[Path], writer: int) -> None:
    """In the child: write the first unreadable path, and exit without returning."""
    try:
        _change_user(account)
        for file in files:
            if not os.access(file, os.R_OK):
                os.write(writer, os.fsencode(file))
                break
    except OSError as error:
        os.write(writer, os.fsencode(error.strerror or str(error)))
        os._exit(1)
    os._exit(0)


def _change_user(account: Account) -> None:
    os.setgroups(_groups(account))
    os.setresgid(account.gid, account.gid, account.gid)
    os.setresuid(account.uid, account.uid, account.uid)


def _groups(account: Account) -> list[int]:
    return sorted({account.gid, *(group.gr_gid for group in grp.getgrall() if account.name in group.gr_mem)})


def _drop_bounding_set() -> None:
    """So that no program with file capabilities or set-user-ID can give us back what we give up."""
    for capability in range(int(LAST_CAPABILITY.read_text()) + 1):
        if capability != CAP_NET_BIND_SERVICE:
            with contextlib.suppress(PermissionError):  # without CAP_SETPCAP: a service manager has bounded us
                _prctl(PR_CAPBSET_DROP, capability)


def _set_capabilities(wanted: Capabilities) -> None:
    sets = (wanted.effective, wanted.permitted, wanted.inheritable)
    low, high = [value & 0xFFFFFFFF for value in sets], [value >> 32 for value in sets]
    if _libc.capset(struct.pack("=Ii", CAPABILITY_VERSION, 0), struct.pack("=6I", *low, *high)) != 0:
        raise _last_error("capset")


def _prctl(option: int, second: int = 0, third: int = 0) -> None:
    if _libc.prctl(option, ctypes.c_ulong(second), ctypes.c_ulong(third), ctypes.c_ulong(0), ctypes.c_ulong(0)) != 0:
        raise _last_error(f"prctl({option})")


def _last_error(call: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{call}: {os.strerror(number)}")


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # a container may run us as a number without a name
        return str(uid)
