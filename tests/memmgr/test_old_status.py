"""The status while the thread that knows it waits: what was known before, which says how old it is."""

from __future__ import annotations

import asyncio
import errno
import threading
import time

import pytest

from daemonkit.counters import Counters
from daemonkit.log import own_log
from daemonkit.membership import Membership
from daemonkit.module import Context
from daemonkit.paths import Directories
from daemonkit.spec import Spec
from memmgr import api
from memmgr import daemon as memmgr_daemon
from memmgr.daemon import MemmgrDaemon
from msgq.errors import Refused
from tests.kit.bus import FakeBus


@pytest.mark.asyncio
async def test_a_status_of_before_says_how_old_it_is(tmp_path, monkeypatch):
    bus, spec = FakeBus(), Spec.load("memmgr")
    log, counters = own_log("memmgr", spec.messages), Counters(spec.statistics)
    session = bus.session("memmgr/0")
    context = Context("memmgr", "0", Directories(tmp_path, tmp_path), (), spec, log, counters, session)
    module = MemmgrDaemon(context)
    await Membership(module, context).join()
    caller = await bus.member("cmdctl/0")
    answers = threading.Event()
    monkeypatch.setattr(memmgr_daemon, "STATUS_PATIENCE", 60.0)
    now = await caller.call(api.Status())
    assert (now.state, now.age, now.reason) == ("starting", None, "")
    module._obstacle.met(PermissionError(errno.EACCES, "Permission denied", "/state/images/lock"))
    now = await caller.call(api.Status())
    assert now.reason == "they cannot be opened: /state/images/lock: Permission denied"
    monkeypatch.setattr(memmgr_daemon, "STATUS_PATIENCE", 0.2)
    waiting = asyncio.ensure_future(context.work(answers.wait))
    try:
        with pytest.raises(Refused, match="has not looked at its data sources yet"):
            await caller.call(api.Status())
        module._seen, module._seen_at = now, time.monotonic() - 7
        old = await caller.call(api.Status())
        assert old.age is not None
        assert (old.state, old.age >= 7) == ("starting", True)
    finally:
        answers.set()
        await waiting
        await context.close()
        await bus.close()
