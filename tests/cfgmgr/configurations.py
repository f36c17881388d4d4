"""Configurations that tests share."""

from __future__ import annotations

from cfgmgr.arguments import Arguments
from cfgmgr.current import Current, Rules
from cfgmgr.handing import page_of
from daemonkit.document import read_text

# The normative example of the design.
NORMATIVE = """\
components:
  auth: {instances: 2}                    # default: one per core
listen: ["0.0.0.0@53", "::@53"]
cmdctl: {rest: "127.0.0.1@8053"}          # or off
stats: {metrics: "127.0.0.1@9153"}        # or off; failure to bind never stops DNS
data_sources:
  main: {type: database, url: "sqlite:///{state_dir}/zones.sqlite"}
  files: {type: master-files, directory: /etc/bob/zones}
keys:
  transfer.example: {algorithm: hmac-sha256, secret_file: /etc/bob/transfer.key}
templates:
  default: {role: primary, query_acl: [{action: ACCEPT}], transfer_acl: [{action: REJECT}], update_acl: [{action: REJECT}], notify: auto}
  secondaries: {role: secondary, primaries: [{address: 192.0.2.1, key: transfer.example}], data_source: main}
zones:
  example.org: {transfer_acl: [{action: ACCEPT, key: transfer.example}, {action: REJECT}], health: {profile: default, every: 1d}}
  example.net: {template: secondaries}
"""  # noqa: E501


def substitute(text: str) -> str:
    return text.replace("{state_dir}", "/state").replace("{run_dir}", "/run")


def rules(*overlay, defaults=()):
    return Rules.of(Arguments(None, tuple(defaults), tuple(overlay)), substitute)


def validated(text):
    return rules().validate(read_text(text, "bob.yaml").value)


def problems(text):
    """Every error, and every warning with a mark, as check-config prints them."""
    document = read_text(text, "bob.yaml")
    findings = rules().validate(document.value).findings
    return [document.locate(finding) for finding in findings.errors]


def warnings(text):
    document = read_text(text, "bob.yaml")
    return [document.locate(finding) for finding in rules().validate(document.value).findings.warnings]


def handed(validated, module):
    """What a module is handed, unfolded."""
    return page_of(Current.of(1, validated.values, validated, validated, substitute), module).tree
