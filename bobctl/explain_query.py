"""`bobctl explain NAME TYPE`, for people: the way of a query, step by step."""

from __future__ import annotations

from typing import Any

import click

from bobctl import output

_RULES = {
    "exact": "the node has the type: it is the answer",
    "wildcard": "the name does not exist, and a wildcard stands in for it (RFC 4592)",
    "cname": "the node is an alias: it goes on at its target (RFC 1034 section 3.6.2)",
    "dname": "the node is below a DNAME: it goes on at the name that makes (RFC 6672)",
    "delegation": "the name is at or below a zone cut: the servers of that zone are named",
    "nodata": "the name exists, but not the type",
    "empty-non-terminal": "the name has no records, but names below it have: it exists (RFC 8020)",
    "nxdomain": "the name does not exist",
}
_BY = {
    "image": "auth, from an image",
    "authworker": "authworker, for images do not answer this",
    "auth": "auth, for images do not answer this, and there is no worker",
}
_WILDCARD_NODATA = "the name does not exist, a wildcard stands in for it, and has not the type"


def show(found: dict[str, Any], asked: str) -> None:
    """Write an explanation."""
    click.echo(output.style(output.printable(f"{found['name']} {found['rdtype']}, {asked}"), bold=True))
    if found["taken_by"]:
        output.fields({"comes in at": found["taken_by"]})
    elif found["listening"]:
        output.fields({"comes in at": f"nothing that listens here: there is {output.cell(found['listening'])}"})
    else:
        output.fields({"comes in at": "nothing: this instance has no sockets"})
    for step in found["steps"]:
        click.echo()
        output.fields(_step(step))
    click.echo()
    if found.get("by"):
        output.fields({"answered by": _BY.get(found["by"], found["by"])})
    if found["hook"]:
        output.fields({"hook": "this answer is shown to auth.hook, which may give another"})
    _reply(found["reply"])
    for note in found["notes"]:
        output.words(f"would be logged: {note}")


def _step(step: dict[str, Any]) -> dict[str, object]:
    facts: dict[str, object] = {"name": step["name"]}
    zone, acl = step["zone"], step["acl"]
    if zone is None:
        facts["zone"] = "none here holds this name" if acl is None else "it is configured, but has no data"
    else:
        facts["zone"] = f"{zone['origin']} of {zone['source'] or 'a data source that fails now'}, {zone['state']}"
        contents = f"serial {output.cell(zone['serial'])}, {zone['records']} records"
        if zone["file"] is None:
            facts["version"] = f"{zone['version']}, {contents}"
            facts["written"] = _written(zone["written"])
        else:  # its versions have numbers for the suite's own use only
            facts["contents"] = contents
            facts["file"] = f"{zone['file']['path']}, changed {output.moment(zone['file']['changed'])}"
        if zone["reason"]:
            facts["reason"] = zone["reason"]
    if acl is not None:
        facts["ACL"] = _acl(acl)
    if step["rule"]:
        facts |= _lookup(step)
    return facts


def _lookup(step: dict[str, Any]) -> dict[str, object]:
    wildcard_nodata = step["wildcard"] and step["rule"] == "nodata"
    facts: dict[str, object] = {
        "rule": f"{step['rule']}: {_WILDCARD_NODATA if wildcard_nodata else _RULES[step['rule']]}"
    }
    if step["node"]:
        facts["node"] = step["node"]
    elif step["closest_encloser"] != step["name"]:
        facts["exists up to"] = step["closest_encloser"]
    if step["rrset"]:
        facts["records"] = step["rrset"]
    if step["types"]:
        facts["has"] = step["types"]
    return facts


def _written(written: dict[str, Any] | None) -> str:
    if written is None:
        return "before the history that is kept"
    reason = f": {written['reason']}" if written["reason"] else ""
    return f"{output.moment(written['time'])} by {written['author']} with {written['source']}{reason}"


def _acl(acl: dict[str, Any]) -> str:
    if acl["rule"] is None:
        return f"{acl['place']}: no rule matches, which is {acl['action']}"
    return f"{acl['place']}[{acl['rule']}] decides: {output.flow(acl['source'])}"


def _reply(reply: dict[str, Any] | None) -> None:
    if reply is None:
        click.echo("no reply is sent")
        return
    facts: dict[str, object] = {"reply": f"{reply['rcode']}, {reply['octets']} octets, flags {reply['flags']}"}
    if reply["errors"]:
        facts["error"] = reply["errors"]
    output.fields(facts)
    for section in ("answer", "authority", "additional"):
        if reply[section]:
            click.echo(f"{section}:")
            for line in reply[section]:
                click.echo(f"  {output.printable(line)}")
