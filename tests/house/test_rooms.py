"""The house is in order: names of modules, rooms of packages, imports that stand alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

from daemonkit.process import PACKAGES
from tests.house.packages import ROOT, daemons, sources

REFUSED_NAMES = {"util", "utils", "common", "helpers", "misc"}


def module_name(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_no_inner_module_shadows_a_package_or_the_standard_library():
    reserved = set(PACKAGES) | sys.stdlib_module_names | {"tests", "docs"}
    inner = [path for path in sources() if path.parent != ROOT and path.stem not in ("__init__", "__main__")]
    allowed = {"daemonkit/signal.py"}
    bad = [str(path.relative_to(ROOT)) for path in inner if path.stem in reserved]
    assert [name for name in bad if name not in allowed] == []


def test_no_module_is_a_drawer_for_anything():
    assert [str(path) for path in sources() if path.stem in REFUSED_NAMES] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_says_what_it_is(package):
    first_line = (ROOT / package / "__init__.py").read_text().strip()
    assert first_line.startswith('"""')
    assert (ROOT / package / "README.md").exists()


@pytest.mark.parametrize("package", sorted(daemons()))
def test_every_daemon_has_the_same_rooms(package):
    assert (ROOT / package / "api.py").exists()
    assert (ROOT / package / "errors.py").exists()
    lines = [line for line in (ROOT / package / "__main__.py").read_text().splitlines() if line.strip()]
    assert len(lines) <= 8


def test_setuptools_ships_every_package():
    import tomllib

    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    present = {module_name(path) for path in sources() if path.name == "__init__.py"}
    assert listed == present


def test_every_module_can_be_imported_first():
    script = (
        "import importlib, subprocess, sys\n"
        "bad = []\n"
        "for name in sys.argv[1:]:\n"
        "    for key in [k for k in sys.modules if k.split('.')[0] in " + repr(set(PACKAGES)) + "]:\n"
        "        del sys.modules[key]\n"
        "    try: importlib.import_module(name)\n"
        "    except ImportError as error: bad.append(f'{name}: {error}')\n"
        "print('\\n'.join(bad)); sys.exit(bool(bad))\n"
    )
    names = [module_name(path) for path in sources() if path.stem != "__main__" and "migrations" not in path.parts]
    done = subprocess.run([sys.executable, "-c", script, *names], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_file_names_a_machine_or_a_workplace():
    tracked = subprocess.run(["git", "ls-files"], capture_output=True, text=True, cwd=ROOT, check=False)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    bad = []
    for name in tracked.stdout.split():
        path = ROOT / name
        if path.suffix in (".py", ".md", ".yaml", ".toml", ".sh", "") and path.is_file():
            text = path.read_text(errors="replace")
            bad += [f"{name}: {word}" for word in ("/ro" + "ot/", "/wo" + "rk/") if word in text]
    assert bad == []
