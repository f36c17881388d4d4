"""The test suite: mirrors the packages, plus kit, system and conformance."""
