"""How a source comes to serve zones, unless it has a way of its own.

The contract modules hold assertions and are no test modules themselves: pytest must be told to rewrite them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.register_assert_rewrite(
    "tests.datasrc.contract", "tests.datasrc.contract_writing", "tests.datasrc.contract_history"
)

if TYPE_CHECKING:
    from datasrc.source import DataSource
    from tests.datasrc.contract import Serve


@pytest.fixture
def serve(source: DataSource) -> Serve:
    """Load each zone into the empty source."""
    from tests.datasrc.zonemaking import load  # here: this file is read before it is known whether to run interpreted

    def serve(zones: dict[str, str]) -> DataSource:
        for origin, text in zones.items():
            load(source, text, origin)
        return source

    return serve
