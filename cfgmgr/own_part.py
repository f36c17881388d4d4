"""cfgmgr as a member of its own commits: it logs as the configuration says, like every other process."""

from __future__ import annotations

from cfgmgr.api import ModuleAnswer
from daemonkit.api import Configuration, Prepare
from daemonkit.configuration import Config, Prepared
from daemonkit.errors import Rejected
from daemonkit.log import note_revision
from daemonkit.log_configuration import logging_part
from daemonkit.module import Context


class CfgmgrPart:
    """Takes part without the bus: the commands of the protocol would come to the very process that sends them."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._candidate: tuple[int, Prepared] | None = None

    async def start(self, configuration: Configuration) -> None:
        """Come to the revision the store has."""
        config = Config(configuration.revision, configuration.values, {})
        (await logging_part(self._context, config, asked=False)).apply()
        note_revision(config.revision)

    async def prepare(self, member: str, part: Prepare) -> ModuleAnswer:
        """Get ready for a revision, or refuse it."""
        try:
            prepared = await logging_part(self._context, Config(part.revision, part.values, {}), asked=True)
        except Rejected as error:
            return ModuleAnswer(member, "refused", str(error))
        self._candidate = part.revision, prepared
        return ModuleAnswer(member, "accepted")

    def commit(self, revision: int) -> None:
        """Apply what was prepared."""
        candidate, self._candidate = self._candidate, None
        if candidate is not None and candidate[0] == revision:
            candidate[1].apply()

    def abort(self, _revision: int) -> None:
        """Forget what was prepared."""
        self._candidate = None
