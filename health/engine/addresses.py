"""What the IANA special-purpose address registries say of an address (RFC 6890).

The tables follow the registries "IANA IPv4 Special-Purpose Address Space" and "IANA IPv6 Special-Purpose Address
Space" as of 2025-10: block, name, and whether the registry calls it globally reachable. "N/A" counts as no.
"""

from __future__ import annotations

import enum
import ipaddress
from typing import NamedTuple

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Reach(enum.Enum):
    """How far an address can be reached."""

    GLOBAL = "global"
    LOCAL = "local"
    DOCUMENTATION = "documentation"
    OTHER = "other"


class Block(NamedTuple):
    """One line of a registry."""

    network: Network
    name: str
    globally_reachable: bool


_LOCAL_NAMES = frozenset(
    {"Private-Use", "Loopback", "Link Local", "Link-Local Unicast", "Unique-Local", "Shared Address Space"}
)

_REGISTRIES = (
    ("0.0.0.0/8", "This network", False),
    ("10.0.0.0/8", "Private-Use", False),
    ("100.64.0.0/10", "Shared Address Space", False),
    ("127.0.0.0/8", "Loopback", False),
    ("169.254.0.0/16", "Link Local", False),
    ("172.16.0.0/12", "Private-Use", False),
    ("192.0.0.0/24", "IETF Protocol Assignments", False),
    ("192.0.0.0/29", "IPv4 Service Continuity Prefix", False),
    ("192.0.0.8/32", "IPv4 dummy address", False),
    ("192.0.0.9/32", "Port Control Protocol Anycast", True),
    ("192.0.0.10/32", "Traversal Using Relays around NAT Anycast", True),
    ("192.0.0.170/32", "NAT64/DNS64 Discovery", False),
    ("192.0.0.171/32", "NAT64/DNS64 Discovery", False),
    ("192.0.2.0/24", "Documentation", False),
    ("192.31.196.0/24", "AS112-v4", True),
    ("192.52.193.0/24", "AMT", True),
    ("192.88.99.0/24", "Deprecated (6to4 Relay Anycast)", False),
    ("192.168.0.0/16", "Private-Use", False),
    ("192.175.48.0/24", "Direct Delegation AS112 Service", True),
    ("198.18.0.0/15", "Benchmarking", False),
    ("198.51.100.0/24", "Documentation", False),
    ("203.0.113.0/24", "Documentation", False),
    ("240.0.0.0/4", "Reserved", False),
    ("255.255.255.255/32", "Limited Broadcast", False),
    ("::1/128", "Loopback", False),
    ("::/128", "Unspecified Address", False),
    ("::ffff:0:0/96", "IPv4-mapped Address", False),
    ("64:ff9b::/96", "IPv4-IPv6 Translat.", True),
    ("64:ff9b:1::/48", "IPv4-IPv6 Translat.", False),
    ("100::/64", "Discard-Only Address Block", False),
    ("100:0:0:1::/64", "Dummy IPv6 Prefix", False),
    ("2001::/23", "IETF Protocol Assignments", False),
    ("2001::/32", "TEREDO", False),
    ("2001:1::1/128", "Port Control Protocol Anycast", True),
    ("2001:1::2/128", "Traversal Using Relays around NAT Anycast", True),
    ("2001:1::3/128", "DNS-SD Service Registration Protocol Anycast", True),
    ("2001:2::/48", "Benchmarking", False),
    ("2001:3::/32", "AMT", True),
    ("2001:4:112::/48", "AS112-v6", True),
    ("2001:10::/28", "Deprecated (previously ORCHID)", False),
    ("2001:20::/28", "ORCHIDv2", True),
    ("2001:30::/28", "Drone Remote ID Protocol Entity Tags Prefix", True),
    ("2001:db8::/32", "Documentation", False),
    ("2002::/16", "6to4", False),
    ("2620:4f:8000::/48", "Direct Delegation AS112 Service", True),
    ("3fff::/20", "Documentation", False),
    ("5f00::/16", "Segment Routing (SRv6) SIDs", False),
    ("fc00::/7", "Unique-Local", False),
    ("fe80::/10", "Link-Local Unicast", False),
)

SPECIAL_BLOCKS: tuple[Block, ...] = tuple(
    Block(ipaddress.ip_network(network), name, reachable) for network, name, reachable in _REGISTRIES
)


def special_block(address: Address) -> Block | None:
    """The most specific registered block that holds the address: it is the one the registries let count."""
    holding = [block for block in SPECIAL_BLOCKS if address in block.network]
    return max(holding, key=lambda block: block.network.prefixlen, default=None)


def reach(address: str) -> Reach:
    """Classify an address given as text; ValueError when it is none."""
    block = special_block(ipaddress.ip_address(address))
    if block is None or block.globally_reachable:
        return Reach.GLOBAL
    if block.name == "Documentation":
        return Reach.DOCUMENTATION
    return Reach.LOCAL if block.name in _LOCAL_NAMES else Reach.OTHER
