"""Databases of an earlier release, as memmgr finds them when it starts."""

from __future__ import annotations

from pathlib import Path

import pytest

import datasrc
from daemonkit.log import MessageLog
from daemonkit.spec import Spec
from datasrc.database import migrate, migration
from memmgr.upgrading import upgrade_own
from tests.kit.earlier import as_the_first_release_left_it


def test_a_database_that_cannot_be_upgraded_keeps_no_other_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    configured = {}
    for name in ("first", "second"):
        url = f"sqlite:///{tmp_path}/{name}.sqlite"
        migrate(url)
        as_the_first_release_left_it(tmp_path / f"{name}.sqlite")
        configured[name] = {"type": "database", "url": url}
    keep = migration._keep

    def fail_for_the_first(database, path, version):
        if path.stem == "first":
            raise ZeroDivisionError("a defect")
        return keep(database, path, version)

    monkeypatch.setattr(migration, "_keep", fail_for_the_first)
    assert upgrade_own(configured, tmp_path, MessageLog("memmgr", Spec.load("memmgr").messages))
    told = "MEMMGR_DATABASE_NOT_UPGRADED the database of data source first, of an earlier release, cannot be brought"
    assert told in caplog.text
    assert "ZeroDivisionError('a defect')" in caplog.text
    datasrc.open(configured["second"]["url"]).close()
