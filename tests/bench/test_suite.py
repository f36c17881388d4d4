"""What is told of the suite itself."""

import os

import pytest

from bench.sidebyside import processes
from bench.sidebyside.contents import Hosts, ManyZones
from bench.sidebyside.datasets import provide
from bench.sidebyside.suite import Suite, interpreted, outdated


def test_modules_that_were_not_compiled_are_named(tmp_path):
    package = tmp_path / "auth"
    package.mkdir()
    for name in ("fast.pxd", "fast.py", "fast.cpython-311-x86_64-linux-gnu.so", "slow.pxd", "slow.py", "plain.py"):
        (package / name).touch()
        os.utime(package / name, (0, 0))
    assert interpreted(tmp_path) == ["auth.slow"]
    assert outdated(tmp_path) == []


def test_modules_that_changed_since_they_were_compiled_are_named(tmp_path):
    package = tmp_path / "auth"
    package.mkdir()
    for name in ("fast.cpython-311-x86_64-linux-gnu.so", "fast.pxd", "fast.py"):
        (package / name).touch()
        os.utime(package / name, (0, 0))
    assert outdated(tmp_path) == []
    os.utime(package / "fast.py", (60, 60))
    assert outdated(tmp_path) == ["auth.fast"]


@pytest.mark.system
def test_starts_without_zones_are_measured_where_zone_files_are_read(tmp_path):
    core, _ = processes.choose_cores()
    with Suite(provide(ManyZones("few-zones", 3), tmp_path), core) as suite:
        (took,) = suite.empty_starts(1)
    assert took > 0
    with Suite(provide(Hosts("few-names", 3), tmp_path), core) as suite:
        assert suite.empty_starts(1) == []
