"""What modules of a running suite make of the configuration: values they adjust, secrets they read."""

from __future__ import annotations

import base64
import hmac
import sys
from pathlib import Path

import pytest

from tests.kit import sealer
from tests.kit.suite import DEADLINE, Suite, wait_until


@pytest.fixture
def sealing(running: Suite, tmp_path: Path) -> Suite:
    """A suite with a component that seals."""
    program, spec = tmp_path / "sealer", tmp_path / "sealer.yaml"
    program.write_text(f"#!/usr/bin/env -S {sys.executable} -I\n{Path(sealer.__file__).read_text()}")
    program.chmod(0o755)
    spec.write_text(Path(sealer.__file__).with_suffix(".yaml").read_text())
    commit(running, "components.sealer", f"{{program: {program}, spec: {spec}}}")
    wait_until(lambda: running.components().get("sealer/0", {}).get("state") == "running", DEADLINE, "the sealer runs")
    return running


def commit(suite, path, value):
    suite.control("config", "set", path, value)
    return suite.control("config", "commit", "-m", f"set {path}")


def seal(suite):
    return suite.control("call", "sealer", "seal", "text=hello")["text"]


def sealed(mark, secret):
    return f"{mark} {hmac.digest(secret, b'hello', 'sha256').hex()}"


def write_secret(file, secret, mode=0o600):
    file.write_text(base64.b64encode(secret).decode() + "\n")
    file.chmod(mode)


def test_what_a_module_adjusts_is_shown_and_written_down(sealing):
    sealing.control("config", "set", "sealer.mark", "much too long")
    checked = sealing.control("config", "check")
    assert [(change["path"], change["new"]) for change in checked["changes"]] == [("sealer.mark", "much too")]
    told = sealing.bobctl("config", "commit", "-m", "long")
    assert told.returncode == 0
    assert "sealer.mark becomes much too: a mark has 8 characters at most" in told.stdout + told.stderr
    assert sealing.control("config", "get", "sealer.mark") == "much too"
    assert seal(sealing) == "much too"


def test_secrets_are_read_checked_and_read_again(sealing, tmp_path):
    file = tmp_path / "a.key"
    write_secret(file, b"the first one", 0o644)
    sealing.control("config", "set", "keys", f"{{a.example: {{secret_file: {file}}}}}")
    refused = sealing.bobctl("config", "commit", "-m", "a key")
    assert refused.returncode == 5  # refused
    assert "keys.a.example.secret_file" in refused.stderr
    assert "everybody may use it (mode 0644)" in refused.stderr
    file.chmod(0o600)
    assert sealing.bobctl("config", "commit", "-m", "a key").returncode == 0
    assert seal(sealing) == sealed("sealed", b"the first one")
    write_secret(file, b"another one")
    assert seal(sealing) == sealed("sealed", b"the first one")
    assert commit(sealing, "auth.identity", "here")["revision"]  # what is noticed on the way is as good
    wait_until(lambda: seal(sealing) == sealed("sealed", b"another one"), DEADLINE, "the other secret is used")
    for shown in (sealing.bobctl("config", "show"), sealing.bobctl("config", "history", "--changes")):
        assert base64.b64encode(b"another one").decode() not in shown.stdout


def test_a_reload_makes_modules_read_their_secrets_again(tmp_path, sealing):
    file = tmp_path / "a.key"
    write_secret(file, b"the first one")
    commit(sealing, "keys", f"{{a.example: {{secret_file: {file}}}}}")
    done = sealing.bobctl("config", "export", str(sealing.config))
    assert done.returncode == 0, done.stderr
    sealing.stop()
    sealing.start()  # now with the file
    wait_until(lambda: sealing.components()["sealer/0"]["state"] == "running", DEADLINE, "the sealer runs")
    write_secret(file, b"another one")
    shown = sealing.control("config", "reload")
    assert (shown["changes"], shown["secrets"], shown["revision"]) == ([], [str(file)], 0)
    assert sealing.control("config", "reload", "--apply")["secrets"] == [str(file)]
    assert seal(sealing) == sealed("sealed", b"another one")
