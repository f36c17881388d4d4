"""What is told of the suite itself."""

from bench.sidebyside.suite import interpreted


def test_modules_that_were_not_compiled_are_named(tmp_path):
    package = tmp_path / "auth"
    package.mkdir()
    for name in ("fast.pxd", "fast.py", "fast.cpython-311-x86_64-linux-gnu.so", "slow.pxd", "slow.py", "plain.py"):
        (package / name).touch()
    assert interpreted(tmp_path) == ["auth.slow"]
