"""The compiled modules once more, with sanitizers and coverage (clang), beside the usual ones.

place = build()                       # what changed only; in build/fuzz
command(place, "query", arguments)    # runs tests.fuzz.fuzzer with the sanitizers preloaded
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLACE = ROOT / "build" / "fuzz"
DRIVER = Path(__file__).with_name("driver.c")
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-fno-omit-frame-pointer"]
FLAGS = ["-O1", "-g1", *SANITIZERS]
COVERAGE = "-fsanitize=fuzzer-no-link"
# Leaks are those of the interpreter; what is allocated has to come from malloc to be watched.
ENVIRONMENT = {
    "PYTHONMALLOC": "malloc",
    "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1:verify_asan_link_order=0",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}


class CannotBuild(Exception):
    """Something that it takes is missing."""


def build() -> Path:
    """Build what changed; where the modules and the driver are. Raises CannotBuild."""
    if shutil.which("clang") is None:
        raise CannotBuild("clang is not installed (Debian: clang, libclang-rt-14-dev)")
    PLACE.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {
        "BOBDNS_COMPILE": "1",
        "CC": "clang",
        "CFLAGS": " ".join([*FLAGS, COVERAGE]),
        "LDSHARED": "clang -shared",
    }
    arguments = ["build_ext", "--build-lib", str(PLACE / "modules"), "--build-temp", str(PLACE / "objects")]
    _run([sys.executable, "setup.py", "-q", *arguments], environment)
    _build_driver()
    return PLACE


def command(place: Path, *words: str) -> tuple[list[str], dict[str, str]]:
    """What runs the fuzzer: its command line and its environment."""
    # libFuzzer comes first, else the modules tell what they reach to stubs of the other one.
    preloaded = f"{place / 'libfuzzer.so'}:{_runtime('asan')}"
    environment = os.environ | ENVIRONMENT | {"LD_PRELOAD": preloaded, "BOBDNS_SANITIZED": str(place)}
    return [sys.executable, "-m", "tests.fuzz.fuzzer", *words], environment


def _build_driver() -> None:
    """libFuzzer as a library of its own, which can be preloaded, and the module that runs it."""
    library, driver = PLACE / "libfuzzer.so", PLACE / "driver.so"
    whole = ["-Wl,--whole-archive", str(_runtime("fuzzer_no_main")), "-Wl,--no-whole-archive"]
    if not library.exists():
        _run(["clang", "-shared", "-o", str(library), *whole, "-lstdc++", "-lm", "-lpthread"], dict(os.environ))
    if not driver.exists() or driver.stat().st_mtime < DRIVER.stat().st_mtime:
        include = sysconfig.get_paths()["include"]
        _run(["clang", "-shared", "-fPIC", "-O1", "-I", include, "-o", str(driver), str(DRIVER)], dict(os.environ))


def _runtime(name: str) -> Path:
    """A library of clang's."""
    suffix = "so" if name == "asan" else "a"
    file = f"libclang_rt.{name}-{os.uname().machine}.{suffix}"
    found = subprocess.run(["clang", f"-print-file-name={file}"], capture_output=True, text=True, check=True)
    path = Path(found.stdout.strip())
    if not path.exists():
        raise CannotBuild(f"{file} of clang is not installed (Debian: libclang-rt-14-dev)")
    return path


def _run(words: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotBuild(f"{words[0]} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
