"""Names in text: an escape for every octet."""

from tests.conformance.lines import line
from tests.conformance.loading import Loaded


@line("NAM-12")
def test_every_name_comes_back_from_an_export_unchanged(loaded: Loaded):
    """octets.test is exported as text, loaded again under the same name: the loader says that nothing changed."""
    assert loaded.reload_export("octets.test") == "unchanged"
    assert loaded.reload_export("names.test") == "unchanged"
