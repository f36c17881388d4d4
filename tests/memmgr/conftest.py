"""What tests of memmgr share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.memmgr.house import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house with one zone, in which no keeper runs yet."""
    from tests.memmgr.house import House, soa  # here: this file is read before it is known whether to run interpreted

    with House(tmp_path) as made:
        made.load(soa(1, "www A 192.0.2.80"))
        yield made
