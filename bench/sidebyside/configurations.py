"""Configuration files, each as the manual of its server advises for speed: one worker, no logs, no rate limits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

LOOPBACK = "127.0.0.1"
TCP_CLIENTS = 1000
SOCKET_BUFFER = 4 << 20  # octets
STATIC_TTL = 3600  # seconds PowerDNS may keep what it found: nothing changes meanwhile
CACHE_ENTRIES = 2_000_000


def nsd(home: Path, port: int, zones: Mapping[str, Path]) -> str:
    """nsd.conf(5)."""
    server = {
        "ip-address": f"{LOOPBACK}@{port}",
        "server-count": 1,
        "reuseport": "yes",
        "username": '""',
        "chroot": '""',
        "database": '""',
        "zonesdir": f'"{home}"',
        "pidfile": '""',
        "xfrdfile": f'"{home}/xfrd.state"',
        "zonelistfile": f'"{home}/zone.list"',
        "xfrdir": f'"{home}"',
        "logfile": f'"{home}/log"',
        "verbosity": 0,
        "statistics": 0,
        "minimal-responses": "yes",
        "rrl-ratelimit": 0,
        "tcp-count": TCP_CLIENTS,
        "tcp-query-count": 0,
        "tcp-timeout": 120,
        "receive-buffer-size": SOCKET_BUFFER,
        "send-buffer-size": SOCKET_BUFFER,
    }
    lines = "".join(f"  {name}: {value}\n" for name, value in server.items())
    listed = "".join(f'zone:\n  name: "{origin}"\n  zonefile: "{file}"\n' for origin, file in zones.items())
    return f"server:\n{lines}remote-control:\n  control-enable: no\n{listed}"


def knot(home: Path, port: int, zones: Mapping[str, Path]) -> str:
    """knot.conf(5)."""
    server = {
        "rundir": home,
        "listen": f"{LOOPBACK}@{port}",
        "udp-workers": 1,
        "tcp-workers": 1,
        "background-workers": 1,
        "tcp-reuseport": "on",
        "tcp-max-clients": TCP_CLIENTS,
        "tcp-idle-timeout": 120,
    }
    template = {
        "id": "default",
        "storage": home,
        "zonefile-sync": -1,
        "zonefile-load": "whole",
        "journal-content": "none",
        "semantic-checks": "off",
    }
    lines = "".join(f"  {name}: {value}\n" for name, value in server.items())
    words = "".join(f"    {name}: {value}\n" for name, value in template.items()).replace("    id", "  - id", 1)
    listed = "".join(f'  - domain: "{origin}"\n    file: "{file}"\n' for origin, file in zones.items())
    return (
        f"server:\n{lines}log:\n  - target: stderr\n    any: error\n"
        f"database:\n  storage: {home}\ntemplate:\n{words}zone:\n{listed}"
    )


def bind(home: Path, port: int, zones: Mapping[str, Path]) -> str:
    """named.conf(5)."""
    options = {
        "directory": f'"{home}"',
        "managed-keys-directory": f'"{home}"',
        "pid-file": "none",
        "session-keyfile": "none",
        "listen-on": f"port {port} {{ {LOOPBACK}; }}",
        "listen-on-v6": "{ none; }",
        "recursion": "no",
        "dnssec-validation": "no",
        "notify": "no",
        "querylog": "no",
        "empty-zones-enable": "no",
        "minimal-responses": "yes",
        "zero-no-soa-ttl": "no",
        "tcp-clients": TCP_CLIENTS,
    }
    words = " ".join(f"{name} {value};" for name, value in options.items())
    listed = "".join(
        f'zone "{origin}" {{ type primary; file "{file}"; check-names ignore; check-integrity no; }};\n'
        for origin, file in zones.items()
    )
    return f"options {{ {words} }};\ncontrols {{ }};\nlogging {{ category default {{ null; }}; }};\n{listed}"


def powerdns(home: Path, port: int, *, signed: bool) -> str:
    """pdns.conf, for the SQLite backend with every cache on."""
    settings = {
        "launch": "gsqlite3",
        "gsqlite3-database": home / "zones.sqlite",
        "gsqlite3-dnssec": "yes" if signed else "no",
        "gsqlite3-pragma-synchronous": 0,
        "local-address": LOOPBACK,
        "local-port": port,
        "socket-dir": home,
        "receiver-threads": 1,
        "distributor-threads": 1,
        "reuseport": "yes",
        "max-tcp-connections": TCP_CLIENTS,
        "max-tcp-connections-per-client": 0,
        "max-tcp-transactions-per-conn": 0,
        "cache-ttl": STATIC_TTL,
        "query-cache-ttl": STATIC_TTL,
        "negquery-cache-ttl": STATIC_TTL,
        "max-cache-entries": CACHE_ENTRIES,
        "max-packet-cache-entries": CACHE_ENTRIES,
        "security-poll-suffix": "",
        "loglevel": 3,
        "log-dns-queries": "no",
        "webserver": "no",
        "guardian": "no",
        "daemon": "no",
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def bobdns(port: int, directory: Path | None = None) -> str:
    """bob.yaml: one instance, as each peer has one worker; with a directory, the zone files in it."""
    text = f'components:\n  auth: {{instances: 1}}\nlisten: ["{LOOPBACK}@{port}"]\n'
    if directory is not None:
        text += f'data_sources:\n  files: {{type: master-files, directory: "{directory}"}}\n'
    return text
