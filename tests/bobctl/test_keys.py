"""`bobctl key`: what it knows of algorithms is what the spec and auth know."""

from __future__ import annotations

from auth.keys import ALGORITHMS as KNOWN
from bobctl.keys import ALGORITHMS
from cfgmgr.addressing import find
from cfgmgr.catalogue import our_catalogue
from daemonkit.options import ChoiceOption


def test_every_algorithm_of_the_spec_has_a_secret_of_the_size_of_its_hash():
    """RFC 8945 section 8."""
    option = find("keys[k].algorithm", our_catalogue().root, {}).option
    assert isinstance(option, ChoiceOption)
    assert option.values == tuple(ALGORITHMS)
    sizes = {name: algorithm.hash_size for name, algorithm in KNOWN.items()}
    assert sizes == ALGORITHMS
