"""How long a secret lives."""

from __future__ import annotations

from typing import Any

from daemonkit.spec import Spec
from tests.conformance.lines import line

HOUR = 3600


@line("CKE-14")
def test_a_secret_of_the_suites_own_lives_a_day_and_never_longer_than_36():
    options: Any = Spec.load("auth").options
    rollover = options.options["cookies"].options["rollover"]
    assert rollover.measure(rollover.default) <= 26 * HOUR
    assert rollover.measure(rollover.maximum) <= 36 * 24 * HOUR
