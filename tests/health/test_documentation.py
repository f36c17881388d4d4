"""The example in docs/health.md does what it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.kit.internet import Internet

TEXT = (Path(__file__).resolve().parents[2] / "docs/health.md").read_text()


def test_the_example_records_and_replays(tmp_path, monkeypatch):
    (code,) = (block for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL) if "Recorder" in block)
    names: dict[str, Any] = {}
    exec(compile(code, "docs/health.md", "exec"), names)
    internet = Internet(root_servers={"a.root-servers.net": ["198.41.0.4"]})
    internet.zone("example", {"ns1.nic.example": ["192.0.2.1"]})
    internet.zone("child.example", {"ns1.child.example": ["192.0.2.11"], "ns2.child.example": ["192.0.2.12"]})
    for address in ("198.41.0.4", "192.0.2.1"):
        internet.at(address)
    fast = {"resolver": {"defaults": {"retrans": 0.01}}}
    monkeypatch.setattr("health.engine.runner.Profile.default", classmethod(lambda cls: _profile(cls, fast)))
    path = tmp_path / "recording"
    recorded = names["record"]("child.example", internet, path)
    assert "B02_AUTH_RESPONSE_SOA" in recorded
    replayed = names["replay"]("child.example", path)
    assert [tag for tag in replayed if tag.startswith("B0")] == [tag for tag in recorded if tag.startswith("B0")]


def _profile(cls, changes):
    from health.engine import profiles

    return cls(profiles._default_document()).overlaid(changes)
