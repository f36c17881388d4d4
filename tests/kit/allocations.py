"""How many blocks the interpreter allocates while something is done: allocations.c, compiled and loaded.

    allocations = Allocations(tmp_path)   # skips the test where there is no C compiler
    count = allocations.of(work)

What is made and given back at once is counted, too, so that an object a record shows even where none is kept. What
C code takes from malloc(3) is not.
"""

from __future__ import annotations

import ctypes
import gc
import shutil
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

# Lines of zones, by kind, with two numbers in each: names that lead to others of the zone, where nothing is wrong.
TARGETS = {
    "mail": "host{0} A 192.0.2.{1}\nhost{0} MX 10 host{0}\n",
    "one mail host": "host{0} MX 10 ns\n",
    "services": "_sip._tcp.host{0} SRV 1 1 5060 host{0}\nhost{0} AAAA ::1\n",
    "aliases": "host{0} A 192.0.2.{1}\nwww.host{0} CNAME host{0}\n",
    "chains": "a{0} CNAME b{0}\nb{0} CNAME c{0}\nc{0} CNAME not-there\n",
    "one server": "sub{0} NS ns\n",
    "shared servers": "sub{0} NS ns\nsub{0} NS ns.elsewhere.test.\n",
    "glue of others": "sub{0} NS ns.b{0}\nb{0} NS ns.elsewhere.test.\nns.b{0} A 192.0.2.{1}\n",
    "made up": "host{0} MX 10 mx.host{0}\n*.host{0} A 192.0.2.{1}\n",
    "hoster": """d{0} A 192.0.2.{1}
d{0} AAAA 2001:db8::1
d{0} MX 10 mail.d{0}
d{0} TXT "v=spf1 mx -all"
mail.d{0} A 192.0.2.{1}
www.d{0} CNAME d{0}
ftp.d{0} CNAME www.d{0}
""",
}

SOURCE = Path(__file__).with_name("allocations.c")


class Allocations:
    """The counter."""

    def __init__(self, directory: Path) -> None:
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if compiler is None:
            pytest.skip("no C compiler is installed")
        library = directory / "allocations.so"
        include = sysconfig.get_path("include")
        subprocess.run([compiler, "-O1", "-shared", "-fPIC", f"-I{include}", "-o", library, SOURCE], check=True)
        self._library = ctypes.PyDLL(str(library))  # calls keep the interpreter's lock
        self._library.allocations_end.restype = ctypes.c_ulonglong

    def of(self, work: Callable[[], object]) -> int:
        """Blocks that were allocated by the time it returns; no other thread may be busy with the interpreter."""
        gc.collect()
        gc.disable()
        self._library.allocations_begin()
        try:
            work()
        finally:
            count = int(self._library.allocations_end())
            gc.enable()
        return count
