"""The door to the real network: UDP and TCP sockets of this machine."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass

import dns.flags
import dns.message

from health.engine import wire
from health.engine.errors import MalformedMessage
from health.engine.network import NoResponse, Query, Silence, Transport

DNS_PORT = 53
WHOIS_PORT = 43
_MAX_UDP = 65535
_MAX_WHOIS = 65536  # octets of an answer; a line about one prefix is all that is wanted


@dataclass(frozen=True, slots=True)
class SocketNetwork:
    """Queries through sockets; source4 and source6 are addresses to send from, "" for any.

    UDP sockets are not connected: a reply from another address than the one asked is taken and its source noted, if
    it has the id and the question of the query (Nameserver04 is about such servers).
    """

    source4: str = ""
    source6: str = ""
    port: int = DNS_PORT

    async def query(self, query: Query) -> dns.message.Message | NoResponse:
        """See Network.query."""
        message = query.message()
        message.id &= 0xFFFF
        octets = message.to_wire()
        exchange = self._tcp if query.transport is Transport.TCP else self._udp
        try:
            async with asyncio.timeout(query.timeout):
                return await exchange(query, octets)
        except TimeoutError:
            return NoResponse(Silence.TIMEOUT)
        except ConnectionError as error:
            return NoResponse(Silence.CLOSED, str(error))
        except OSError as error:
            return NoResponse(Silence.UNREACHABLE, str(error))
        except asyncio.IncompleteReadError:
            return NoResponse(Silence.CLOSED, "the connection was closed before the end of the response")
        except MalformedMessage as error:
            return NoResponse(Silence.MALFORMED, str(error))

    async def whois(self, server: str, text: str, timeout: float) -> str | NoResponse:
        """One line to a whois server (RFC 3912) and all it says."""
        try:
            async with asyncio.timeout(timeout):
                reader, writer = await asyncio.open_connection(server, WHOIS_PORT, limit=_MAX_WHOIS)
                with contextlib.closing(writer):
                    writer.write(f"{text}\r\n".encode())
                    return (await reader.read(_MAX_WHOIS)).decode("utf-8", "replace")
        except TimeoutError:
            return NoResponse(Silence.TIMEOUT)
        except OSError as error:
            return NoResponse(Silence.UNREACHABLE, str(error))

    async def _udp(self, query: Query, octets: bytes) -> dns.message.Message:
        loop = asyncio.get_running_loop()
        family = _family(query.address)
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.bind((self._source(family), 0))
            await loop.sock_sendto(sock, octets, (query.address, self.port))
            while True:
                received, peer = await loop.sock_recvfrom(sock, _MAX_UDP)
                if response := _ours(received, peer, query, octets):
                    return response

    async def _tcp(self, query: Query, octets: bytes) -> dns.message.Message:
        source = self._source(_family(query.address))
        local = (source, 0) if source not in ("0.0.0.0", "::") else None  # noqa: S104 - "any" is not bound here
        reader, writer = await asyncio.open_connection(query.address, self.port, local_addr=local)
        with contextlib.closing(writer):
            writer.write(struct.pack("!H", len(octets)) + octets)
            (length,) = struct.unpack("!H", await reader.readexactly(2))
            response = wire.parse(await reader.readexactly(length), query.address)
        if response.id != struct.unpack("!H", octets[:2])[0]:
            raise MalformedMessage("the response has another id than the query")
        return response

    def _source(self, family: socket.AddressFamily) -> str:
        if family == socket.AF_INET6:
            return self.source6 or "::"
        return self.source4 or "0.0.0.0"  # noqa: S104 - queries leave from the address the kernel chooses


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _ours(received: bytes, peer: tuple[str, int], query: Query, sent: bytes) -> dns.message.Message | None:
    """The response in a datagram, if it may answer our query: its id and question, from whatever address.

    A broken datagram from elsewhere is dropped; one from the address that was asked is its answer (MalformedMessage).
    """
    if received[:2] != sent[:2]:
        return None
    source = peer[0]
    try:
        response = wire.parse(received, source)
    except MalformedMessage:
        if source == query.address:
            raise
        return None
    same = [q.name == query.name and q.rdtype == query.rdtype for q in response.question]
    if not response.flags & dns.flags.QR or (same != [True] and source != query.address):
        return None
    return response
