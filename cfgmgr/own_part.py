"""cfgmgr as a member of its own commits: it logs as the configuration says, like every other process."""

from __future__ import annotations

from cfgmgr.api import ModuleAnswer
from daemonkit.api import Configuration, Prepare
from daemonkit.configuration import Config, Prepared
from daemonkit.errors import Rejected
from daemonkit.log import note_revision
from daemonkit.log_configuration import check_logging, prepare_logging
from daemonkit.module import Context


class CfgmgrPart:
    """Takes part without the bus: the commands of the protocol would come to the very process that sends them."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._module = context.spec.module
        self._candidate: tuple[int, Prepared] | None = None

    async def start(self, configuration: Configuration) -> None:
        """Come to the revision the store has."""
        revision, values = configuration.revision, configuration.values
        (await self._prepared(Config(revision, values, {}))).apply()
        note_revision(revision)

    async def prepare(self, member: str, part: Prepare) -> ModuleAnswer:
        """Get ready for a revision, or refuse it."""
        try:
            await self._context.work(check_logging, part.values, self._module)
        except Rejected as error:
            return ModuleAnswer(member, "refused", str(error))
        self._candidate = part.revision, await self._prepared(Config(part.revision, part.values, {}))
        return ModuleAnswer(member, "accepted")

    def commit(self, revision: int) -> None:
        """Apply what was prepared."""
        candidate, self._candidate = self._candidate, None
        if candidate is not None and candidate[0] == revision:
            candidate[1].apply()

    def abort(self, _revision: int) -> None:
        """Forget what was prepared."""
        self._candidate = None

    async def _prepared(self, config: Config) -> Prepared:
        return await self._context.work(prepare_logging, config, self._module, self._context.log)
