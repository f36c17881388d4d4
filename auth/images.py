"""The images this process answers from: what memmgr announces, mapped and handed to the loop between two turns."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dns.name import Name

from auth import api
from auth.client import Client
from daemonkit.module import Context
from daemonkit.process import suite_run
from image import arena, manifest
from image.collection import Collection, Prepared
from image.responder import Responder
from image.zonerecord import ZoneRecord, origin_wire

if TYPE_CHECKING:
    from auth.server import Server

LOOK_EVERY = 0.1  # s between looks for another epoch; until then auth answers by itself what is in new files
READ_EVERY = 1.0  # s between looks at the announcement, whatever the epoch says


class Images:
    """Keeps the loop supplied. On the event loop."""

    def __init__(self, context: Context, server: Server) -> None:
        self._context = context
        self._server = server
        self._responder: Responder | None = None
        self._collection: Collection | None = None
        self._changing = asyncio.Lock()  # held while files are unmapped, and by who looks into them beside the loop

    async def begin(self) -> None:
        """Map what there is, and follow it from now on."""
        try:
            self._collection = Collection(
                self._context.directories.run / manifest.ANNOUNCEMENT, suite_run(), problem=self._problem
            )
        except OSError as error:  # a limit on addresses: everything is answered, from the data sources
            self._context.log.warning("AUTH_NO_IMAGES", reason=error)
            return
        if (octets := self._collection.arena.octets) < arena.OCTETS:
            self._context.log.warning("AUTH_LITTLE_ROOM", octets=octets)
        await self._look(self._collection)
        self._context.spawn(self._follow(self._collection), "images")

    def _problem(self, path: Path, reason: str) -> None:
        """In a worker thread."""
        self._context.log.warning("AUTH_IMAGE_REFUSED", file=path, reason=reason)

    async def _follow(self, collection: Collection) -> None:
        loop = asyncio.get_running_loop()
        read = loop.time() + READ_EVERY
        while True:
            await asyncio.sleep(LOOK_EVERY)
            if collection.changed() or loop.time() >= read:
                await self._look(collection)
                read = loop.time() + READ_EVERY

    async def _look(self, collection: Collection) -> None:
        prepared = await asyncio.to_thread(collection.prepare)
        if prepared is not None:
            async with self._changing:
                await self._renew_stream(collection, prepared)
                await self._install(collection, prepared)

    async def _renew_stream(self, collection: Collection, prepared: Prepared) -> None:
        """Give TCP a responder of its own that looks at this: a new one, before anything is unmapped."""
        if prepared.directory is None:
            await self._server.answer_streams_from(None)
            return
        responder = Responder(prepared.seed, self._server.engine.serving.settings.udp_size)
        collection.attach(responder, prepared=prepared)
        await self._server.answer_streams_from(responder)

    async def take_settings(self, udp_size: int) -> None:
        """Answer by a new revision; replies over UDP have this size at most."""
        async with self._changing:
            if self._responder is None or self._collection is None:
                return
            if self._responder.udp_size != udp_size:
                await self._renew_stream(self._collection, self._collection.installed)
                await self._engage(self._collection, self._responder.seed)
            else:
                await self._server.take_zones()

    async def _install(self, collection: Collection, prepared: Prepared) -> None:
        counters = self._context.counters
        if prepared.directory is None:
            await self._server.answer_from(None)
            self._responder = None
            collection.install(prepared)
            self._context.log.warning("AUTH_IMAGES_LEFT")
        elif self._responder is not None and self._responder.seed == prepared.seed:
            responder = self._responder
            await self._server.loop_thread.call(lambda: collection.install(prepared, responder))
        else:
            await self._server.answer_from(None)
            collection.install(prepared)
            await self._engage(collection, prepared.seed)
            self._context.log.info("AUTH_IMAGES", zones=prepared.zones, octets=prepared.octets)
        counters.set("images.slots", len(prepared.slots))
        counters.set("images.bytes", prepared.octets)

    async def _engage(self, collection: Collection, seed: int) -> None:
        responder = Responder(seed, self._server.engine.serving.settings.udp_size)
        collection.attach(responder)
        self._responder = responder
        await self._server.answer_from(responder)

    def status(self) -> api.ImagesServed | None:
        """What is mapped; None: nothing is."""
        if self._responder is None or self._collection is None:
            return None
        installed = self._collection.installed
        return api.ImagesServed(
            zones=installed.zones,
            slots=len(installed.slots),
            octets=installed.octets,
            used=self._server.answers_from_images,
        )

    async def know(self, origins: Sequence[Name]) -> bool:
        """Whether the images that are mapped know that these zones are there."""
        async with self._changing:
            return self._collection is not None and self._collection.knows(map(origin_wire, origins))

    async def answer(self, message: bytes, client: Client) -> bytes | None:
        """What the loops answer to a message from images, empty where that is nothing; None: they leave it.

        By a responder of its own: nothing is counted, limited or sent.
        """
        async with self._changing:
            if self._responder is None or self._collection is None:
                return None
            responder = Responder(self._responder.seed, self._responder.udp_size)
            self._collection.attach(responder)
            return self._server.answer_beside(responder, message, client)

    async def records(self, origins: Sequence[Name]) -> list[ZoneRecord | None]:
        """The record of each zone as it is answered from an image; None: it is not."""
        async with self._changing:
            if self._responder is None or self._collection is None or not self._server.answers_from_images:
                return [None] * len(origins)
            return [self._collection.find(origin_wire(origin)) for origin in origins]

    async def serials(self, origins: Sequence[Name]) -> list[tuple[int, int] | None]:
        """Serial and version of each zone as it is answered from an image; None: it is not."""
        records = await self.records(origins)
        return [(found.serial, found.version) if found is not None else None for found in records]
