"""From an sdist setup.py compiles what it compiles from a checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from daemonkit.process import PACKAGES
from tests.house.packages import ROOT

# Prints what setup.py would have compiled, each module with the file it is made of.
MODULES = """
import json
import runpy
import Cython.Build
import setuptools
Cython.Build.cythonize = lambda modules, **options: modules
setuptools.setup = lambda ext_modules, **options: print(json.dumps({one.name: one.sources for one in ext_modules}))
runpy.run_path("setup.py")
"""


def python(directory: Path, *words: str, compiled: str) -> str:
    environment = {**os.environ, "BOBDNS_COMPILE": compiled}
    done = subprocess.run(
        [sys.executable, *words],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of an sdist, by the list that it is made from; what is compiled in the checkout is no part of it."""
    directory = tmp_path_factory.mktemp("sdist")
    python(ROOT, "setup.py", "-q", "egg_info", "--egg-base", str(directory), compiled="0")
    listed = (directory / "bobdns.egg-info" / "SOURCES.txt").read_text().splitlines()
    for name in listed:
        if not Path(name).is_absolute():  # what egg_info itself has made is there
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, directory / name)
    return directory


def test_every_module_is_compiled_from_an_sdist_too(unpacked: Path):
    ours = json.loads(python(ROOT, "-c", MODULES, compiled="1"))
    theirs = json.loads(python(unpacked, "-c", MODULES, compiled="1"))
    assert theirs == ours != {}
    files = {name for sources in theirs.values() for name in sources}
    assert [name for name in sorted(files) if not (unpacked / name).is_file()] == []


@pytest.mark.parametrize("suffix", ["pxd", "pyx"])
def test_every_file_that_only_the_compiler_reads_is_in_an_sdist(unpacked: Path, suffix: str):
    paths = [path.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob(f"*.{suffix}")]
    assert paths
    assert [str(path) for path in sorted(paths) if not (unpacked / path).is_file()] == []
