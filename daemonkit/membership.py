"""A module as a member of the bus and of the configuration: commands, events, prepare, commit, catching up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import msgspec

from daemonkit import api
from daemonkit.configuration import Config, ConfigurationMember, Prepared
from daemonkit.errors import Rejected
from daemonkit.log import note_revision
from daemonkit.log_configuration import both, logging_part
from daemonkit.module import Context, Module, commands_of, topics_of
from msgq.errors import BusError, DeadlineExceeded, Refused
from msgq.session import Event, Gap, IncomingCall, Request

# Seconds for one attempt to get the configuration: the first one is soon repeated, for what is lost by a death must not
# keep a member from the revision that all others are on; then longer and longer, for a large one on a busy machine.
FIRST_PATIENCE, LONGEST_PATIENCE = 1.0, 8.0
RETRY_INTERVAL = 0.2  # seconds between attempts to reach a cfgmgr that is being restarted
# A member that prepared hears commit or abort within cfgmgr's deadline of 5 s, or asks (design section 5).
PREPARED_TIMEOUT = 8.0
COMMAND = "command"  # the family of durations: from the arrival of a command to its outcome

PROTOCOL_COMMANDS: dict[str, type[Request[Any]]] = {
    request.command: request for request in (api.Prepare, api.Commit, api.Abort)
}


class Membership:
    """Ties a module to the session in its context."""

    def __init__(self, module: Module, context: Context) -> None:
        self._module = module
        self._context = context
        self._session = context.session
        kind = type(module)
        self._commands = {
            name: (request, getattr(module, method)) for name, (request, method) in commands_of(kind).items()
        }
        context.durations.declare(COMMAND, self._commands)
        self._topics = {topic: getattr(module, method) for topic, method in topics_of(kind).items()}
        self._configuration = ConfigurationMember(context.spec.module, self._prepare)
        self._configured = False  # takes part in commits
        self._may_refuse = False
        self._configuration_lock = asyncio.Lock()

    @property
    def revision(self) -> int:
        """The configuration revision the module is on; 0: none yet."""
        return self._configuration.revision

    async def join(self) -> None:
        """Come onto the bus: answer commands, hear topics. Raises BusError."""
        self._session.set_command_handler(self._on_command)
        await self._session.start()
        for topic in self._topics:
            self._session.subscribe(topic, self._on_event)

    async def configure(self) -> None:
        """Take the first configuration, and follow every later one. Raises Rejected, Refused."""
        self.expect_configuration()
        await self._follow()

    def expect_configuration(self) -> None:
        """Take part in commits from now on, without one to begin with. Before `join`: then others know of us."""
        if self._configured:
            return
        self._configured = True
        self._session.subscribe(api.RevisionCommitted.topic, self._revision_committed, on_gap=self._revisions_missed)
        self._session.on_epoch(self.follow_soon)

    # Commands and events.

    async def _on_command(self, call: IncomingCall) -> Any:
        if call.command in PROTOCOL_COMMANDS and self._configured:
            return await self._carried_out(call, PROTOCOL_COMMANDS[call.command], self._on_protocol)
        if call.command not in self._commands:
            raise Refused("not-found", f"{self._context.component} has no command {call.command}")
        with self._context.durations.taking(COMMAND, call.command):
            return await self._carried_out(call, *self._commands[call.command])

    async def _carried_out(
        self, call: IncomingCall, request: type[Request[Any]], handler: Callable[[IncomingCall, Any], Awaitable[Any]]
    ) -> Any:
        arguments = _arguments(call, request)
        try:
            return await handler(call, arguments)
        except Refused:
            raise
        except Exception as error:  # the boundary: one bad command must not end the daemon
            if self._context.stop.is_set():  # what it needs may be gone already
                reason = f"{type(error).__name__}: {error}"
                self._context.log.info("DAEMON_COMMAND_STOPPED", command=call.command, reason=reason)
                raise Refused("unavailable", "stopped before it was finished") from error
            self._context.log.exception("DAEMON_COMMAND_FAILED", error, command=call.command)
            raise Refused("failed", f"{call.command}: {error}") from error

    async def _on_event(self, event: Event) -> None:
        try:
            await self._topics[event.topic](event)
        except Exception as error:  # the boundary: one bad event must not end the daemon
            self._context.log.exception("DAEMON_EVENT_FAILED", error, topic=event.topic)

    # Configuration.

    async def _on_protocol(self, _call: IncomingCall, request: Any) -> Any:
        async with self._configuration_lock:
            if (
                self._context.stop.is_set()
            ):  # what a revision is to be applied to may be gone: the successor starts on it
                if isinstance(request, api.Prepare):
                    raise Refused("unavailable", "stopping")
                return api.Nothing()
            if isinstance(request, api.Prepare):
                return await self._on_prepare(request)
            if isinstance(request, api.Abort):
                self._configuration.abort(request.revision)
            elif not self._commit(request.revision):
                self.follow_soon()
            return api.Nothing()

    async def _prepare(self, config: Config) -> Prepared:
        """The module's part, and that of the log, which every process has."""
        logging = await logging_part(self._context, config, asked=self._may_refuse)  # nothing that has to be given back
        return both(logging, await self._module.prepare(config))

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """While this process is asked, it may refuse what it could live with if it were so already."""
        self._may_refuse = True
        try:
            yield
        finally:
            self._may_refuse = False

    async def _on_prepare(self, request: api.Prepare) -> api.Prepared:
        member = self._configuration
        try:
            if request.large:
                whole = await self._fetch(request.revision)
                with self._asked():
                    adjustments = await member.prepare(request.revision, whole.tree)
            else:
                if member.revision != request.base:  # nothing newer can be committed while this is in hand
                    await member.follow(await self._fetch())
                if member.revision != request.base:
                    raise Refused("conflict", f"is on revision {member.revision}, not {request.base}")
                with self._asked():
                    adjustments = await member.prepare_difference(request)
        except Rejected as error:
            raise Refused("refused", str(error)) from error
        asyncio.get_running_loop().call_later(PREPARED_TIMEOUT, self._prepared_for_long, request.revision)
        return api.Prepared(adjustments)

    def _commit(self, revision: int) -> bool:
        try:
            committed = self._configuration.commit(revision)
            note_revision(self._configuration.revision)
            return committed
        except Exception as error:  # noqa: BLE001 - a commit cannot be refused: exit, and start on the new revision
            self._context.fail(error)
            return True

    def _prepared_for_long(self, revision: int) -> None:
        if self._configuration.prepared_revision == revision:
            self.follow_soon()

    async def _revision_committed(self, event: Event) -> None:
        if event.decode(api.RevisionCommitted).revision != self._configuration.revision:
            await self._follow_or_end()

    async def _revisions_missed(self, _: Gap) -> None:
        await self._follow_or_end()

    async def _follow_or_end(self) -> None:
        """As a task of its own would (`follow_soon`): who hears of events only tells what goes wrong, and goes on."""
        try:
            await self._follow()
        except Exception as error:  # noqa: BLE001 - half a revision may be applied: exit, and start on it
            self._context.fail(error)

    def follow_soon(self) -> None:
        """Ask cfgmgr, beside all else, which revision is committed, and come to it."""
        self._context.spawn(self._follow(), "configuration")

    async def _follow(self) -> None:
        """Come to the revision cfgmgr has; a module that cannot ends, and starts on it."""
        async with self._configuration_lock:  # around the fetch too: what it brings must not be older than a commit
            configuration = await self._fetch()
            before = self._configuration.revision
            if self._context.stop.is_set():
                return
            try:
                await self._configuration.follow(configuration)
            except Exception as error:
                if not self._context.stop.is_set():
                    raise
                reason, revision = f"{type(error).__name__}: {error}", configuration.revision
                self._context.log.info("DAEMON_REVISION_MISSED", revision=revision, reason=reason)
                return
            note_revision(self._configuration.revision)
            if before and before != configuration.revision:
                self._context.log.info("DAEMON_CONFIGURED", revision=configuration.revision)

    async def _fetch(self, revision: int = 0) -> api.Configuration:
        """A revision with all its pages; 0: the committed one."""
        while True:
            try:
                if (whole := await self._fetch_pages(revision)) is not None:
                    return whole
            except BusError as error:
                code = error.code if isinstance(error, Refused) else "unavailable"
                if code != "unavailable":
                    raise
                # cfgmgr stops, or it or the broker is being restarted: bob decides how long to wait.
                self._context.log.debug("DAEMON_NO_CONFIGURATION", reason=error)
                await asyncio.sleep(RETRY_INTERVAL)

    async def _fetch_pages(self, revision: int) -> api.Configuration | None:
        """All pages of one edition; None where that is gone before the last one."""
        name, have = self._context.spec.module, 0 if revision else self._configuration.revision
        request = api.GetConfiguration(name, have, revision)
        page = await self._page(request)
        values = page.tree
        while page.following:
            request = api.GetConfiguration(name, 0, page.revision, page.following, page.edition)
            try:
                page = await self._page(request)
            except Refused as error:
                if error.code != "conflict":
                    raise
                self._context.log.debug("DAEMON_NO_CONFIGURATION", reason=error)
                return None
            for root, rows in page.rows.items():
                values[root].update(rows.entries)
        return api.Configuration(page.revision, values, unchanged=page.unchanged)

    async def _page(self, request: api.GetConfiguration) -> api.Configuration:
        """One answer of cfgmgr. Asked once more under the same id it goes on with what it may be at, as its start."""
        patience, call_id = FIRST_PATIENCE, None
        while True:
            try:
                return await self._session.call(request, timeout=patience, call_id=call_id)
            except DeadlineExceeded as error:
                self._context.log.debug("DAEMON_NO_CONFIGURATION", reason=error)
                patience, call_id = min(2 * patience, LONGEST_PATIENCE), error.call_id


def _arguments(call: IncomingCall, request: type[Request[Any]]) -> Any:
    """The request struct of a call. Words from a command line count as numbers where numbers are wanted."""
    known = {field.encode_name for field in msgspec.structs.fields(cast("type[msgspec.Struct]", request))}
    if unknown := sorted(call.arguments.keys() - known):
        takes = f"it takes {', '.join(sorted(known))}" if known else "it takes none"
        raise Refused("usage", f"{call.command} has no argument {unknown[0]}; {takes}")
    try:
        return msgspec.convert(call.arguments, type=request, strict=False)
    except msgspec.ValidationError as error:
        raise Refused("usage", f"{call.command}: {error}") from error
