"""What is told of the suite itself."""

import os

from bench.sidebyside.suite import interpreted, outdated


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
