"""The unit is one systemd understands, and a hard one."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bob.errors import ExitStatus
from bob.systemd import VARIABLES
from tests.bob.installation import CHECKOUT

SYSTEMD = CHECKOUT / "packaging" / "systemd"
EXPOSURE = 3.0  # of systemd-analyze security: the highest that counts as hardened

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")


@pytest.fixture
def unit(tmp_path):
    """The unit with a program that exists here."""
    copy = tmp_path / "bob.service"
    text = (SYSTEMD / "bob.service").read_text()
    copy.write_text(text.replace("/opt/bobdns/bin/bob", str(Path(sys.executable).with_name("bob"))))
    return copy


def analyze(*words):
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, timeout=60, check=False)


@needs_systemd
def test_systemd_understands_the_unit(unit):
    done = analyze("verify", str(unit))
    complaints = [line for line in done.stderr.splitlines() if "bob.service" in line]
    assert (done.returncode, complaints) == (0, [])


@needs_systemd
def test_the_unit_is_hardened(unit):
    done = analyze("security", "--offline=true", str(unit))
    found = re.search(r"Overall exposure level for bob.service: ([0-9.]+)", done.stdout)
    if found is None:
        pytest.skip("this systemd-analyze cannot judge offline")
    assert float(found[1]) <= EXPOSURE


def test_the_unit_asks_for_all_that_bob_speaks():
    text = (SYSTEMD / "bob.service").read_text()
    for setting in ("Type=notify", "WatchdogSec=", "FileDescriptorStoreMax=", "ExecReload=/bin/kill -HUP"):
        assert setting in text
    assert text.count("CAP_") == 2
    assert {"NOTIFY_SOCKET", "WATCHDOG_USEC", "LISTEN_FDS"} <= set(VARIABLES)


def test_what_another_start_cannot_mend_is_not_started_again():
    setting = re.search("^RestartPreventExitStatus=(.*)$", (SYSTEMD / "bob.service").read_text(), re.MULTILINE)
    assert setting is not None
    permanent = {2, ExitStatus.UNAVAILABLE, ExitStatus.NO_PERMISSION, ExitStatus.CONFIGURATION}
    assert {int(number) for number in setting[1].split()} == permanent
    assert not permanent & {ExitStatus.FAILED, ExitStatus.TEMPORARY}


@pytest.mark.skipif(shutil.which("systemd-sysusers") is None, reason="needs systemd-sysusers")
def test_the_account_can_be_made():
    done = subprocess.run(
        ["systemd-sysusers", "--dry-run", str(SYSTEMD / "sysusers.conf")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "bob" in done.stdout + done.stderr
