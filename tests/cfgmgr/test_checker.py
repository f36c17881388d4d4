"""`python -I -m cfgmgr --check FILE`, as `bob check-config` runs it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cfgmgr.configurations import NORMATIVE


def check(*words, cwd=None):
    command = [sys.executable, "-W", "error", "-I", "-m", "cfgmgr", "--check", *words]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout.splitlines(), done.stderr


@pytest.fixture
def file(tmp_path):
    def write(text):
        (tmp_path / "bob.yaml").write_text(text)
        return "bob.yaml"

    return write


def test_a_good_file_is_said_to_be_good(tmp_path, file):
    assert check(file("auth: {udp_size: 1400}\n"), cwd=tmp_path) == (0, ["bob.yaml is good: 0 errors, 0 warnings"], "")


def test_the_normative_example_is_good_with_warnings(tmp_path, file):
    code, lines, _ = check(file(NORMATIVE), cwd=tmp_path)
    assert code == 0
    assert any(line.startswith("bob.yaml:15: zones.example.org.health: has no effect yet: ") for line in lines)
    assert all(line.endswith("(warning)") for line in lines[:-1])
    assert lines[-1].startswith("bob.yaml is good: 0 errors, ")


def test_every_mistake_has_a_line_in_the_order_of_the_file(tmp_path, file):
    code, lines, _ = check(file("listen: [x]\nzones:\n  a..b: {}\nauth: {udp_sise: 1}\n"), cwd=tmp_path)
    assert code == 1
    assert lines == [
        "bob.yaml:1: listen[0]: must be ADDRESS@PORT such as 127.0.0.1@53, not 'x'",
        "bob.yaml:3: zones.a..b: the key must be a domain name",
        "bob.yaml:4: auth.udp_sise: unknown option (did you mean 'udp_size'?)",
        "bob.yaml cannot be used: 3 errors, 0 warnings",
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: [\n", "bob.yaml:1: is not YAML: "),
        ("a: 1\na: 2\n", "bob.yaml:2: the key 'a' is given twice (first in line 1)"),
    ],
)
def test_what_is_no_yaml_says_where(tmp_path, file, text, line):
    code, lines, _ = check(file(text), cwd=tmp_path)
    assert code == 1
    assert lines[0].startswith(line)


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path):
    assert check("gone.yaml", cwd=tmp_path) == (1, ["gone.yaml: cannot be read: No such file or directory"], "")


def test_a_directory_is_no_file(tmp_path):
    code, lines, _ = check(".", cwd=tmp_path)
    assert (code, lines) == (1, [".: cannot be read: Is a directory"])


@pytest.mark.parametrize("words", [(), ("a", "b")])
def test_wrong_usage_is_told(words):
    code, _, error = check(*words)
    assert code == 2
    assert error.startswith("usage: ")


def test_the_spec_of_a_component_that_is_not_ours_is_checked_too(tmp_path, file):
    (tmp_path / "toy.yaml").write_text("module: toy\ntitle: x\nopions: {}\n")
    text = f"components:\n  toy:\n    program: /bin/true\n    spec: {tmp_path}/toy.yaml\n"
    code, lines, _ = check(file(text), cwd=tmp_path)
    assert code == 1
    assert lines[0] == (
        f"bob.yaml:4: components.toy.spec: the spec cannot be used: {tmp_path}/toy.yaml:3: "
        "opions: unknown field (did you mean 'options'?)"
    )
