"""Changing the user and keeping one capability, done for real by processes of their own. Needs root."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
from typing import Any

import pytest

from bob import privileges
from bob.errors import PrivilegeError
from tests.kit.suite import START_DEADLINE

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
NET_BIND = 1 << privileges.CAP_NET_BIND_SERVICE

PRELUDE = """
import json, os, subprocess, sys
from dataclasses import asdict
from pathlib import Path
from bob import privileges
from bob.privileges import become, choose_account, installation_files, low_ports_for_a_child, may_bind_low_ports
nobody = choose_account("nobody") if os.geteuid() == 0 else None
privileges.installation_files = lambda: [Path("/etc/passwd")]
def status(text):
    lines = dict(line.split(":\\t", 1) for line in text.splitlines() if ":\\t" in line)
    return {name: int(lines[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}
def own(): return status(Path("/proc/self/status").read_text())
def child(): return status(subprocess.run(["/bin/cat", "/proc/self/status"], capture_output=True, text=True).stdout)
def tell(**facts): print(json.dumps(facts))
"""


def run(code: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + code], capture_output=True, text=True, timeout=START_DEADLINE, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@needs_root
def test_after_the_change_one_capability_is_left_and_has_no_effect():
    facts = run("become(nobody); tell(own=own(), child=child(), ids=[*os.getresuid(), *os.getresgid()])")
    nobody = pwd.getpwnam("nobody")
    assert facts["ids"] == [nobody.pw_uid] * 3 + [nobody.pw_gid] * 3
    assert facts["own"] == {"CapInh": 0, "CapPrm": NET_BIND, "CapEff": 0, "CapBnd": NET_BIND, "CapAmb": 0}
    assert facts["child"] == {"CapInh": 0, "CapPrm": 0, "CapEff": 0, "CapBnd": NET_BIND, "CapAmb": 0}


@needs_root
def test_only_a_child_that_is_meant_to_gets_the_capability():
    facts = run(
        "become(nobody)\nwith low_ports_for_a_child(): inside = child()\ntell(inside=inside, after=child(), own=own())"
    )
    assert facts["inside"]["CapEff"] == facts["inside"]["CapPrm"] == NET_BIND
    assert facts["after"]["CapPrm"] == 0
    assert facts["own"] == {"CapInh": 0, "CapPrm": NET_BIND, "CapEff": 0, "CapBnd": NET_BIND, "CapAmb": 0}


@needs_root
def test_the_capability_is_lowered_again_when_the_spawn_fails():
    facts = run(
        "become(nobody)\n"
        "try:\n"
        "    with low_ports_for_a_child(): subprocess.run(['/no/such/program'])\n"
        "except FileNotFoundError: pass\n"
        "tell(after=child(), own=own())"
    )
    assert facts["after"]["CapPrm"] == 0
    assert facts["own"]["CapAmb"] == facts["own"]["CapInh"] == 0


@needs_root
def test_what_a_service_manager_made_ambient_is_cleared():
    facts = run(
        "become(nobody)\n"
        "with low_ports_for_a_child():\n"
        "    pid = os.fork()\n"  # no exec: the interpreter may be out of reach for nobody
        "    if pid == 0:\n"
        "        before = own(); become(choose_account(None)); tell(before=before, own=own(), child=child())\n"
        "        sys.stdout.flush(); os._exit(0)\n"
        "    os.waitpid(pid, 0)\n"
    )
    assert facts["before"]["CapAmb"] == NET_BIND
    assert facts["own"] == {"CapInh": 0, "CapPrm": NET_BIND, "CapEff": 0, "CapBnd": NET_BIND, "CapAmb": 0}
    assert facts["child"]["CapPrm"] == 0


@needs_root
def test_there_is_no_way_back_to_root():
    facts = run(
        "become(nobody)\ntry: os.setresuid(0, 0, 0); back = True\nexcept PermissionError: back = False\ntell(back=back)"
    )
    assert facts == {"back": False}


@needs_root
def test_what_the_user_cannot_read_is_named_before_anything_is_dropped(tmp_path):
    secret = tmp_path / "closed" / "program"
    secret.parent.mkdir(mode=0o700)
    secret.touch()
    facts = run(
        f"privileges.installation_files = lambda: [Path('/etc/passwd'), Path({str(secret)!r})]\n"
        "try: become(nobody); said = ''\n"
        "except Exception as error: said = str(error)\n"
        "tell(said=said, uid=os.geteuid(), effective=own()['CapEff'])"
    )
    assert facts["said"].startswith(f"the user nobody cannot read {secret}")
    assert facts["uid"] == 0
    assert facts["effective"] != 0


@needs_root
def test_root_stays_root_only_when_told_to():
    assert run("become(choose_account('root')); tell(uid=os.geteuid())") == {"uid": 0}


@needs_root
def test_a_missing_account_is_told_with_what_to_do():
    with pytest.raises(PrivilegeError, match=r"no account 'no-such-user' to change to$"):
        privileges.choose_account("no-such-user")
    try:
        pwd.getpwnam(privileges.DEFAULT_USER)
    except KeyError:
        with pytest.raises(PrivilegeError, match=r"create it .* or say --user root"):
            privileges.choose_account(None)


@needs_root
def test_without_root_the_user_cannot_be_changed():
    facts = run(
        "os.setresuid(nobody.uid, nobody.uid, nobody.uid)\n"
        "try: choose_account('daemon'); said = ''\n"
        "except Exception as error: said = str(error)\n"
        "own, default = choose_account('nobody').name, choose_account(None).name\n"
        "tell(said=said, own=own, default=default, low=may_bind_low_ports())"
    )
    assert facts["said"] == "only root can change to the user daemon; you are nobody"
    assert facts["own"] == facts["default"] == "nobody"
    assert facts["low"] is False


def test_the_installation_is_what_the_daemons_import():
    assert all(path.exists() for path in privileges.installation_files())
