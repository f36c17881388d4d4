"""What is told of the suite itself."""

import os
import socket

import pytest

import bench.sidebyside.suite
from bench.sidebyside import processes
from bench.sidebyside.configurations import LOOPBACK
from bench.sidebyside.contents import Hosts, ManyZones
from bench.sidebyside.datasets import provide
from bench.sidebyside.servers import ServerError
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


def is_listening(port):
    with socket.socket() as client:
        return client.connect_ex((LOOPBACK, port)) == 0


@pytest.mark.system
def test_the_suite_is_measured_with_rest_and_metrics(tmp_path):
    core, _ = processes.choose_cores()
    with Suite(provide(Hosts("few-names", 3), tmp_path), core) as suite:
        suite.prepare()
        suite.start()
        suite.settle()
        assert len(set(suite.doors.values())) == 2
        assert all(is_listening(port) for port in suite.doors.values())
        assert suite.image_octets() > 0
        assert suite.delta_octets() > 0


@pytest.mark.system
def test_a_suite_whose_metrics_cannot_be_had_is_not_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(bench.sidebyside.suite, "DOOR_DEADLINE", 0.5)
    core, _ = processes.choose_cores()
    with Suite(provide(Hosts("few-names", 3), tmp_path), core) as suite, socket.socket() as other:
        other.bind((LOOPBACK, suite.doors["metrics"]))
        other.listen()
        suite.prepare()
        suite.start()
        with pytest.raises(ServerError, match="is not open"):
            suite.settle()


@pytest.mark.system
def test_starts_without_zones_are_measured_where_zone_files_are_read(tmp_path):
    core, _ = processes.choose_cores()
    with Suite(provide(ManyZones("few-zones", 3), tmp_path), core) as suite:
        (took,) = suite.empty_starts(1)
    assert took > 0
    with Suite(provide(Hosts("few-names", 3), tmp_path), core) as suite:
        assert suite.empty_starts(1) == []
