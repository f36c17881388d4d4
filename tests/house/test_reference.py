"""The operator's reference says what specs and code say."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib

import pytest

from tests.house.packages import ROOT

MAN = ROOT / "docs" / "man"
PAGES = ("bob.8", "bob.yaml.5", "bobctl.1", "loadzone.1")


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
@pytest.mark.parametrize("name", PAGES)
def test_a_manual_page_is_good_roff_and_says_what_it_is(name):
    words = ["groff", "-t", "-man", "-Tutf8", "-ww", "-rLL=200n", str(MAN / name)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    text = re.sub("\x1b\\[[0-9;]*m|.\b", "", done.stdout)
    title, _, section = name.rpartition(".")
    assert f"{title} - " in text.replace("\N{HYPHEN}", "-")
    for heading in ("NAME", "DESCRIPTION", "SEE ALSO"):
        assert f"\n{heading}\n" in text
    assert f"{title.upper()}({section})" in text


def test_the_manual_pages_are_installed():
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["data-files"]
    installed = {(place, file) for place, files in told.items() for file in files}
    assert installed == {(f"share/man/man{name[-1]}", f"docs/man/{name}") for name in PAGES}
    assert sorted(path.name for path in MAN.iterdir()) == sorted(PAGES)


def test_the_reference_is_up_to_date():
    script = [sys.executable, str(ROOT / "scripts" / "reference.py"), "--check"]
    done = subprocess.run(script, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"run `make docs` and commit what it changes:\n{done.stdout[-4000:]}{done.stderr}"
