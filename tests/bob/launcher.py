"""Starts a program as a service manager does: `launcher.py JSON PROGRAM ARGUMENTS...`. Standard library only.

The JSON says the uid, the capability to make ambient, the descriptors to pass from 3 on with names, the variables.
"""

import ctypes
import fcntl
import json
import os
import struct
import sys

PR_SET_KEEPCAPS, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_SET_MDWE = 8, 38, 47, 65
PR_CAP_AMBIENT_RAISE = 2
PR_MDWE_REFUSE_EXEC_GAIN = 1
VERSION = 0x20080522

libc = ctypes.CDLL(None, use_errno=True)


def prctl(option, *arguments, may_fail=False):
    padded = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)[:4]]
    if libc.prctl(option, *padded) != 0 and not may_fail:
        raise OSError(ctypes.get_errno(), f"prctl {option}")


def main():
    plan = json.loads(sys.argv[1])
    os.environ.update(plan["environment"])
    if plan["uid"] is not None:
        mask = 1 << plan["ambient"]
        prctl(PR_SET_KEEPCAPS, 1)
        os.setgroups([])
        os.setresgid(plan["gid"], plan["gid"], plan["gid"])
        os.setresuid(plan["uid"], plan["uid"], plan["uid"])
        if libc.capset(struct.pack("=Ii", VERSION, 0), struct.pack("=6I", mask, mask, mask, 0, 0, 0)) != 0:
            raise OSError(ctypes.get_errno(), "capset")
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, plan["ambient"])
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, may_fail=True)  # since Linux 6.3: MemoryDenyWriteExecute=
    high = [os.dup(descriptor) for descriptor in plan["descriptors"]]
    moved = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 500) for descriptor in high]  # out of the way of 3, 4, ...
    for number, descriptor in enumerate(moved, 3):
        os.dup2(descriptor, number, inheritable=True)
    for descriptor in (*high, *moved):
        if descriptor >= 3 + len(moved):
            os.close(descriptor)
    if moved:
        os.environ["LISTEN_PID"] = str(os.getpid())
        os.environ["LISTEN_FDS"] = str(len(moved))
        os.environ["LISTEN_FDNAMES"] = ":".join(plan["names"])
    os.execv(sys.argv[2], sys.argv[2:])


main()
