"""Commands race each other and the queries, and at the end everything is as it was told (tests/kit/storm.py).

The order is drawn from a seed that is printed. More by hand: `python bench/command_storm.py 100000`.
"""

from __future__ import annotations

import os

import pytest

from tests.kit.storm import CONFIG, Storm
from tests.kit.suite import Suite

pytestmark = pytest.mark.system

OPERATIONS = 100
SEED = int(os.environ.get("BOB_STORM_SEED", "70"))


def test_after_a_storm_of_commands_everything_is_as_it_was_told():
    """V70."""
    print(f"seed {SEED}, {OPERATIONS} operations")  # noqa: T201
    with Suite(config=CONFIG) as suite:
        suite.start()
        storm = Storm(suite, SEED)
        storm.begin()
        try:
            storm.run(OPERATIONS)
        finally:
            storm.rest()
        storm.end()
