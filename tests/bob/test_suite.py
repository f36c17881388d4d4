"""What a run decides beside its processes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bob.suite import Settings, Suite
from bob.systemd import ServiceManager
from daemonkit.paths import Directories


class Daemon:
    """Remembers what cfgmgr was restarted with."""

    def __init__(self):
        self.arguments = []

    async def restart_cfgmgr(self, arguments):
        self.arguments.append(arguments)


def settings(tmp_path, **how) -> Settings:
    places = Directories(tmp_path / "state", tmp_path / "run")
    return Settings(places, config=None, listen=(), default_listen=(), overlay={}, log_level="info", **how)


@pytest.mark.asyncio
async def test_a_default_file_that_comes_after_the_start_is_read_by_the_next_reload(tmp_path):
    file = tmp_path / "bob.yaml"
    member: Any = SimpleNamespace(daemon=Daemon())
    suite = Suite(settings(tmp_path, later_config=file), ServiceManager({}), lambda _: None)
    assert not await suite._has_config(member)
    file.write_text("listen: []\n")
    assert await suite._has_config(member)
    assert await suite._has_config(member)  # cfgmgr knows it now
    assert member.daemon.arguments == [["--seed", str(file)]]
