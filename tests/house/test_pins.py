"""packaging/requirements.txt pins all that the suite imports, in versions that pyproject.toml allows."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.packages import ROOT

HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def pinned() -> dict[str, tuple[Requirement, int]]:
    """By package: what is pinned, and the number of its hashes."""
    text = (ROOT / "packaging" / "requirements.txt").read_text()
    found: dict[str, tuple[Requirement, int]] = {}
    for entry in re.split(r"\n(?=\S)", text):
        if not entry.startswith("#"):
            requirement = Requirement(entry.split(" \\\n")[0])
            found[canonicalize_name(requirement.name)] = (requirement, len(HASH.findall(entry)))
    return found


def named() -> list[Requirement]:
    """What pyproject.toml asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    texts = [*project["dependencies"], *project["optional-dependencies"]["postgresql"]]
    return [Requirement(text) for text in texts]


def test_each_is_pinned_to_one_version_with_the_hashes_of_its_files():
    """V74."""
    for name, (requirement, hashes) in pinned().items():
        (version,) = requirement.specifier
        assert (version.operator, hashes > 0) == ("==", True), name


@pytest.mark.parametrize("requirement", named(), ids=str)
def test_what_is_pinned_is_allowed(requirement: Requirement):
    (version,) = pinned()[canonicalize_name(requirement.name)][0].specifier
    assert requirement.specifier.contains(version.version)


def test_nothing_that_is_imported_is_left_out():
    pins, left, seen = pinned(), [(one, extra) for one in named() for extra in ("", *one.extras)], set()
    while left:
        requirement, extra = left.pop()
        name = canonicalize_name(requirement.name)
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        assert name in pins
        for text in requires(name) or ():
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                left += [(needed, more) for more in ("", *needed.extras)]
