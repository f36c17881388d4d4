"""What the benchmarks of single parts share."""

from typing import Any

import pytest

from bench.served import Suite, images_ready
from bench.texts import address, zone_text
from tests.kit.suite import wait_until


class Told:
    """A suite whose memmgr says this."""

    def __init__(self, status):
        self.status = status

    def control(self, *words, check):
        assert (words, check) == (("call", "memmgr", "status"), False)
        return self.status


READY = {"state": "ready", "zones": 10, "waiting": 0, "building": 0}


@pytest.mark.parametrize(
    ("status", "ready"),
    [
        (READY, True),
        (None, False),
        ({**READY, "state": "comparing"}, False),
        ({**READY, "waiting": 1}, False),
        ({**READY, "building": 1}, False),
        ({**READY, "zones": 9}, False),
    ],
)
def test_images_are_ready_when_none_waits_or_is_being_built(status, ready):
    suite: Any = Told(status)
    assert images_ready(suite, zones=10) is ready


@pytest.mark.system
def test_single_benchmarks_start_the_suite_with_rest_and_metrics():
    with Suite() as suite:
        suite.start()
        wait_until(lambda: {suite.control()[door]["state"] for door in ("rest", "metrics")} == {"open"})
        status = suite.control()
    assert status["rest"]["endpoint"] == f"127.0.0.1@{suite.rest_port}"
    assert status["metrics"]["endpoint"] == f"127.0.0.1@{suite.metrics_port}"


def test_each_name_of_a_zone_has_an_address_of_its_own():
    assert address(0x010203) == "10.1.2.3"
    assert address(0x010203, 11) == "11.1.2.3"
    assert len({address(number) for number in range(0, 1 << 24, 251)}) == -(-(1 << 24) // 251)
    assert zone_text(3).splitlines()[-3:] == ["h0 A 10.0.0.0", "h1 A 10.0.0.1", "h2 A 10.0.0.2"]
