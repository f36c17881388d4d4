"""BIND's statistics channel, as far as its clients read it: XML version 3 and JSON version 1.

Paths and names are those of BIND 9 (bin/named/statschannel.c, bin/named/bind9.xsl); `bind_exporter` of Prometheus works
unmodified. What has no counterpart here (resolver, memory, tasks, counts of a zone by type) is absent or 0.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from xml.etree.ElementTree import Element, SubElement, tostring

from daemonkit.control import SPARE
from stats.prometheus import Zones
from stats.view import RUNNING, View, total
from stats.zonecounts import ZoneCounts

XML_TYPE = "text/xml"
JSON_TYPE = "application/json"
XML_VERSION = "3.11"
JSON_VERSION = "1.5"
VIEW = "_default"
NO_SERIAL = "-"  # of a zone that has no data, as BIND writes it

# Names of BIND -> names of BIND 10. QryRecursion counts recursions made, of which there are none.
_SERVER = {
    "Requestv4": "request.v4",
    "Requestv6": "request.v6",
    "ReqEdns0": "request.edns0",
    "ReqBadEDNSVer": "request.badednsver",
    "ReqTSIG": "request.tsig",
    "ReqSIG0": "request.sig0",
    "ReqBadSIG": "request.badsig",
    "ReqTCP": "request.tcp",
    "AuthQryRej": "authqryrej",
    "Response": "responses",
    "TruncatedResp": "response.truncated",
    "RespEDNS0": "response.edns0",
    "RespTSIG": "response.tsig",
    "RespSIG0": "response.sig0",
    "QrySuccess": "qrysuccess",
    "QryAuthAns": "qryauthans",
    "QryNoauthAns": "qrynoauthans",
    "QryReferral": "qryreferral",
    "QryNxrrset": "qrynxrrset",
    "QrySERVFAIL": "rcode.servfail",
    "QryFORMERR": "rcode.formerr",
    "QryNXDOMAIN": "rcode.nxdomain",
    "QryDropped": "dropped",
    "QryFailure": "failures",
    "QryUDP": "request.udp",
    "QryTCP": "request.tcp",
    "CookieNew": "cookie.new",
    "CookieMatch": "cookie.valid",
    "CookieNoMatch": "cookie.wrong",
    "CookieBadTime": "cookie.untimely",
    "CookieBadSize": "cookie.malformed",
    "RateDropped": "rate_limit.dropped",
    "RateSlipped": "rate_limit.slipped",
}
_VERSIONS = {"xml": "v3", "json": "v1"}
_PARTS = ("", "status", "server", "zones", "tasks")
_ALWAYS_ZERO = ("QryRecursion", "QryDuplicate")
_OPCODES = ("query", "iquery", "status", "notify", "update")
_QTYPE = "qtype."
_RCODES = (
    *("noerror", "formerr", "servfail", "nxdomain", "notimp", "refused"),
    *("yxdomain", "yxrrset", "nxrrset", "notauth", "notzone", "badvers", "badcookie"),
)


def document(path: str, view: View, zones: Zones, counted: ZoneCounts, version: str) -> tuple[bytes, str] | None:
    """What a path of the statistics channel answers, and its media type; None where there is no such path."""
    form, _, rest = path.strip("/").partition("/")
    given, _, wanted = rest.partition("/")
    if form not in _VERSIONS or given not in ("", _VERSIONS[form]) or wanted not in _PARTS:
        return None
    if form == "xml":
        return _xml(wanted, view, zones, counted, version), XML_TYPE
    return _json(wanted, view, zones, counted, version), JSON_TYPE


def counters(view: View) -> dict[str, dict[str, int]]:
    """The groups of BIND: opcode, qtype, rcode, nsstat."""
    found = total(view.of("auth"))
    return {
        "opcode": {name.upper(): found.get(f"opcode.{name}", 0) for name in _OPCODES},
        "qtype": {_type_name(name): number for name, number in found.items() if name.startswith(_QTYPE)},
        "rcode": {name.upper(): found.get(f"rcode.{name}", 0) for name in _RCODES},
        "nsstat": {name: found.get(ours, 0) for name, ours in _SERVER.items()} | dict.fromkeys(_ALWAYS_ZERO, 0),
    }


def _xml(wanted: str, view: View, zones: Zones, counted: ZoneCounts, version: str) -> bytes:
    root = Element("statistics", version=XML_VERSION)
    if wanted in ("", "zones"):
        default = SubElement(SubElement(root, "views"), "view", name=VIEW)
        listed = SubElement(default, "zones")
        for name in _names(zones, counted):
            zone = SubElement(listed, "zone", name=name, rdataclass="IN")
            SubElement(zone, "type").text = "primary"
            SubElement(zone, "serial").text = str(zones.serials.get(name, NO_SERIAL))
            if name in counted.zones:  # where zone-statistics is full, as BIND calls it
                of_zone = SubElement(zone, "counters", type="rcode")
                for one, count in _of_zone(counted.zones[name]).items():
                    SubElement(of_zone, "counter", name=one).text = str(count)
    server = SubElement(root, "server")
    for name, value in _times(view).items():
        SubElement(server, name).text = value
    SubElement(server, "version").text = version
    for kind, group in counters(view).items() if wanted in ("", "server") else ():
        listed = SubElement(server, "counters", type=kind)
        for name, number in group.items():
            SubElement(listed, "counter", name=name).text = str(number)
    if wanted in ("", "tasks"):
        threads = SubElement(SubElement(root, "taskmgr"), "thread-model")
        SubElement(threads, "type").text = "processes"
        SubElement(threads, "worker-threads").text = str(_workers(view))
    text: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _json(wanted: str, view: View, zones: Zones, counted: ZoneCounts, version: str) -> bytes:
    said: dict[str, object] = {"json-stats-version": JSON_VERSION, **_times(view), "version": version}
    if wanted in ("", "server"):
        groups = counters(view)
        said |= {"opcodes": groups["opcode"], "rcodes": groups["rcode"], "nsstats": groups["nsstat"]}
        said |= {"qtypes": groups["qtype"], "zonestats": {}}
    if wanted in ("", "tasks"):
        said["taskmgr"] = {"thread-model": "processes", "worker-threads": _workers(view)}
    if wanted in ("", "zones"):
        listed = [
            {"name": name, "class": "IN", "type": "primary"}
            | ({"serial": zones.serials[name]} if name in zones.serials else {})
            | ({"rcodes": _of_zone(counted.zones[name]), "qtypes": {}} if name in counted.zones else {})
            for name in _names(zones, counted)
        ]
        said["views"] = {VIEW: {"zones": listed}}
    elif wanted == "server":
        said["views"] = {VIEW: {"resolver": {}}}
    return json.dumps(said, indent=1).encode()


def _type_name(counter: str) -> str:
    """What BIND calls a type, and those that it does not count each by itself."""
    name = counter.removeprefix(_QTYPE)
    return "Others" if name == "other" else name.upper()


def _names(zones: Zones, counted: ZoneCounts) -> list[str]:
    """Zones with a serial, and those that are counted and have none, as for want of data."""
    return list(dict.fromkeys((*zones.serials, *counted.zones)))


def _of_zone(counters: Mapping[str, int]) -> dict[str, int]:
    """BIND has the counters of a zone under "rcode", and calls them as those of the server."""
    return {name: counters[ours] for name, ours in _SERVER.items() if ours in counters}


def _workers(view: View) -> int:
    """The processes that answer stand for the threads of BIND."""
    return sum(place.state == RUNNING and place.instance != SPARE for place in view.of("auth"))


def _times(view: View) -> Mapping[str, str]:
    started = view.time if view.suite is None else view.suite.started
    committed = total(view.of("cfgmgr")).get("revision.timestamp_seconds", 0)  # 0: cfgmgr has not said yet
    configured = max(started, committed)
    return {"boot-time": _moment(started), "config-time": _moment(configured), "current-time": _moment(view.time)}


def _moment(seconds: float) -> str:
    """RFC 3339, with milliseconds as BIND has them."""
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{int(seconds % 1 * 1000):03}Z"
