"""The contract modules hold assertions and are no test modules themselves: pytest must be told to rewrite them."""

import pytest

pytest.register_assert_rewrite(
    "tests.datasrc.contract", "tests.datasrc.contract_writing", "tests.datasrc.contract_history"
)
