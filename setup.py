"""The compiled modules. Everything else about the project is in pyproject.toml.

Each is plain Python that its sidecar (.pxd) gives types; without Cython or a C compiler the same files run interpreted.
BOBDNS_COMPILE=0 leaves them interpreted on purpose, BOBDNS_COMPILE=1 fails where they cannot be compiled.
"""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

from setuptools import Extension, setup

COMPILE = os.environ.get("BOBDNS_COMPILE", "")
CORES = len(os.sched_getaffinity(0))  # modules are compiled side by side
# setuptools takes CFLAGS in place of the flags that Python was built with: without any -O what is compiled would be
# three times as slow. Symbols, which take a fifth of the time, are for who asks for them.
CFLAGS = os.environ.get("CFLAGS", "").split()
FLAGS = [] if any(flag.startswith(("-g", "-fsanitize")) for flag in CFLAGS) else ["-g0"]
if CFLAGS:
    FLAGS += ["-fwrapv", "-DNDEBUG"]
if CFLAGS and not any(flag.startswith("-O") for flag in CFLAGS):
    FLAGS.append("-O2")
DIRECTIVES = {
    "language_level": 3,
    "annotation_typing": False,  # the sidecars have the types
    "binding": False,
    "boundscheck": True,  # octets come from files and from the network
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
}


def extensions() -> list[Extension]:
    """One for every module that has a sidecar."""
    if COMPILE == "0":
        return []
    from Cython.Build import cythonize

    modules = [
        Extension(
            ".".join(sidecar.with_suffix("").parts),
            [str(_source(sidecar))],
            extra_compile_args=FLAGS,
            optional=COMPILE != "1",
        )
        for sidecar in sorted(Path().glob("[a-z]*/*.pxd"))
    ]
    # Other ways to start a process would read this file again.
    processes = CORES if multiprocessing.get_start_method() == "fork" else 0
    return list(cythonize(modules, nthreads=processes, compiler_directives=DIRECTIVES, build_dir="build/cython"))


def _source(sidecar: Path) -> Path:
    """Raw modules, which no plain Python can be, are written twice: for the compiler, and for the interpreter."""
    raw = sidecar.with_suffix(".pyx")
    return raw if raw.exists() else sidecar.with_suffix(".py")


setup(ext_modules=extensions(), options={"build_ext": {"parallel": CORES}})
