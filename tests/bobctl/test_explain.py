"""`bobctl explain`: log messages."""

from __future__ import annotations

import pytest

from tests.bobctl.run import bobctl


@pytest.mark.asyncio
async def test_a_log_message_is_explained_without_a_suite(tmp_path):
    done = await bobctl(None, "--run-dir", str(tmp_path), "explain", "AUTH_ZONE_UNUSABLE")
    assert (done.code, done.err) == (0, "")
    assert "auth" in done.out
    assert "error" in done.out
    assert "The client got" in " ".join(done.out.split())


@pytest.mark.asyncio
async def test_a_log_message_is_explained_for_programs():
    done = await bobctl(None, "explain", "CFGMGR_COMMITTED", "--json")
    assert set(done.json) == {"id", "module", "severity", "text", "explain"}
    assert done.json["module"] == "cfgmgr"


@pytest.mark.asyncio
async def test_an_unknown_message_is_not_found_and_the_nearest_is_named(tmp_path):
    done = await bobctl(None, "--run-dir", str(tmp_path), "explain", "AUTH_ZONE_UNUSABL")
    assert done.code == 3
    assert "did you mean 'AUTH_ZONE_UNUSABLE'?" in done.err
