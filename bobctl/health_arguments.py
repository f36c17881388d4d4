"""What `bobctl health` takes on its command line: name servers, DS records, levels."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

import click
import dns.name

from health.engine.context import DelegationSigner, Undelegated
from health.engine.domains import domain_name
from health.engine.errors import DomainNameError
from health.engine.levels import Level

_DIGEST = re.compile(r"(?:[0-9A-Fa-f]{2})+\Z")
Given = tuple[dns.name.Name, tuple[str, ...]]


def name_servers(_context: click.Context, _parameter: click.Parameter, values: Sequence[str]) -> tuple[Given, ...]:
    """NAME or NAME/ADDRESS, any number of them."""
    return tuple(_name_server(value) for value in values)


def signers(
    _context: click.Context, _parameter: click.Parameter, values: Sequence[str]
) -> tuple[DelegationSigner, ...]:
    """KEYTAG,ALGORITHM,TYPE,DIGEST, any number of them."""
    return tuple(_signer(value) for value in values)


def level(_context: click.Context, _parameter: click.Parameter, value: str) -> Level:
    """A severity level by name."""
    try:
        return Level[value.upper()]
    except KeyError as error:
        raise click.BadParameter(f"{value!r} is none of {', '.join(Level.__members__)}") from error


def _name_server(value: str) -> Given:
    name, slash, address = value.partition("/")
    try:
        return domain_name(name), (str(ipaddress.ip_address(address)),) if slash else ()
    except (DomainNameError, ValueError) as error:
        raise click.BadParameter(f"{value!r}: {error}") from error


DS_FIELDS = 4  # RFC 4034 section 5.1: key tag, algorithm, digest type, digest
MAX_KEYTAG = 65535
MAX_OCTET = 255


def _signer(value: str) -> DelegationSigner:
    fields = value.split(",")
    if len(fields) != DS_FIELDS or not all(field.isascii() and field.isdigit() for field in fields[:3]):
        raise click.BadParameter(f"{value!r} is not of the form KEYTAG,ALGORITHM,TYPE,DIGEST")
    keytag, algorithm, digtype = (int(field) for field in fields[:3])
    if keytag > MAX_KEYTAG or algorithm > MAX_OCTET or digtype > MAX_OCTET:
        raise click.BadParameter(f"{value!r}: the key tag goes to 65535, algorithm and type to 255")
    if not _DIGEST.match(fields[3]):
        raise click.BadParameter(f"{fields[3]!r} is no digest in hexadecimal digits")
    return DelegationSigner(keytag, algorithm, digtype, fields[3].lower())


def undelegated(nameservers: Sequence[Given], given_signers: Sequence[DelegationSigner]) -> Undelegated | None:
    """The delegation to pretend, if any was given."""
    if not nameservers and not given_signers:
        return None
    return Undelegated(tuple(nameservers) or None, tuple(given_signers) or None)
