"""Secrets stay where they belong, in a running suite: no core files, no eyes of others, nothing in logs or answers."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

import pytest

from tests.kit.suite import Suite

pytestmark = pytest.mark.system

SECRET = b"a secret of exactly 32 octets, ok"


def core_limit(pid):
    (line,) = (line for line in Path(f"/proc/{pid}/limits").read_text().splitlines() if "core file" in line)
    return line.split()[4]


def test_no_process_leaves_a_core_file_and_no_secret_is_shown_anywhere():
    """V72."""
    text = base64.b64encode(SECRET).decode()
    with Suite(config="cmdctl: {rest: 'off'}\nauth: {cookies: {secret_files: ['{state_dir}/cookie']}}\n") as suite:
        suite.state.mkdir(parents=True)
        secrets = {
            suite.state / "transfer.key": text,
            suite.state / "cookie": base64.b64encode(bytes(range(16))).decode(),
        }
        for file, content in secrets.items():
            file.write_text(content + "\n")
            file.chmod(0o600)
        suite.start()
        processes = suite.descendants()
        assert len(processes) >= 8
        assert {core_limit(pid) for pid in processes} == {"0"}

        key = f"{{secret_file: {suite.state}/transfer.key}}"
        assert suite.bobctl("config", "set", "keys[transfer.example]", key).returncode == 0
        committed = suite.bobctl("config", "commit")
        assert committed.returncode == 0, committed.stderr
        asked = [
            ["status"],
            ["config", "show"],
            ["config", "export"],
            ["config", "history", "--changes"],
            ["key", "list"],
        ]
        asked += [["call", "cfgmgr", "get", "name=auth"], ["audit"], ["stats", "show"], ["log", "show"]]
        told = [suite.bobctl(*words) for words in asked]
        assert [done.returncode for done in told] == [0] * len(asked)
        shown = "".join(done.stdout + done.stderr for done in told) + suite.log.read_text()
        os.kill(suite.pid("auth/0"), 11)  # it dies as by a fault of its own
        suite.says("SIGSEGV")
        shown += suite.log.read_text()
        for content in secrets.values():
            assert content not in shown
        kept = [path for path in suite.directory.rglob("*") if path.is_file() and path not in secrets]
        assert [
            path for path in kept if any(content.encode() in path.read_bytes() for content in secrets.values())
        ] == []
        assert [path for path in kept if "core" in path.name] == []
        held = [*secrets, suite.state / "cmdctl.sqlite"]
        assert {stat.S_IMODE(path.stat().st_mode) for path in held} == {0o600}
        others = [path for path in suite.state.rglob("*") if stat.S_IMODE(path.stat().st_mode) & 0o007]
        assert others == []
