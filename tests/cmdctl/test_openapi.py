"""The OpenAPI document is true: schemathesis asks every operation with what the document allows, and more."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from cmdctl.app import all_routes
from cmdctl.openapi import openapi
from cmdctl.routing import JSON, Operation
from daemonkit.api import Nothing
from tests.cmdctl.test_access import remote

EXAMPLES = "4"  # of each operation and kind; more by hand
# object_level_authorization is asked between users of its own file, of objects it can tell by the IDs in their lists.
# Here users share everything but what tokens are narrowed from, and it does not find out that the name of a zone in a
# list is the `origin` of other paths: with two narrowed tokens it said nothing of a door that did not look at zones at
# all. tests/cmdctl/test_access.py asks every route with a token for another zone.
NOT_CHECKED = "object_level_authorization"
# What the document cannot say of a name, told to schemathesis in its own process.
HOOKS = """
import schemathesis
from hypothesis import strategies

label = strategies.from_regex(r"[a-z0-9_]([a-z0-9-]{0,20}[a-z0-9_])?", fullmatch=True)
names = strategies.lists(label, min_size=1, max_size=4).map(".".join)
schemathesis.openapi.format("domain-name", names | strategies.sampled_from(["example.org", "a.EXAMPLE.", "."]))
"""

__all__ = ["remote"]  # the fixture


class _Nothing:
    def __getattr__(self, _name):
        return None


OPERATIONS = [route for route in all_routes(_Nothing()) if isinstance(route, Operation)]  # type: ignore[arg-type]
DOCUMENT = openapi(OPERATIONS)
# What a command of any module gives is in its reference; the document is described by its own standard.
OF_ANY_SHAPE = {"/v1/call/{module}/{command}", "/v1/openapi.json"}


def test_every_operation_is_described_once():
    described = [(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods]
    assert len(described) == len(all_routes(_Nothing()))  # type: ignore[arg-type]
    names = [operation["operationId"] for methods in DOCUMENT["paths"].values() for operation in methods.values()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_operation_declares_the_shape_of_its_answer(operation):
    given = DOCUMENT["paths"][operation.path][operation.method.lower()]["responses"][str(operation.status)]
    schema = given["content"][operation.media_type]["schema"]
    if operation.media_type == JSON and operation.path not in OF_ANY_SHAPE:
        shape = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        assert set(shape.get("required", [])) <= set(shape["properties"])
        assert shape["properties"] or operation.answer is Nothing


@pytest.mark.asyncio(loop_scope="module")
async def test_schemathesis_finds_nothing(remote, tmp_path, monkeypatch):
    monkeypatch.setattr("cmdctl.bodies.BODY_SECONDS", 0.3)  # it leaves bodies out
    monkeypatch.setattr("cmdctl.authentication.MAX_FAILURES", 10**6)  # and asks with wrong credentials, often
    (tmp_path / "hooks.py").write_text(HOOKS)
    url = f"https://127.0.0.1:{remote.address[1]}/v1/openapi.json"
    arguments = ["run", url, "--header", remote.bearer("admin"), "--tls-verify", "false", "--no-color"]
    arguments += ["--exclude-checks", NOT_CHECKED, "--phases", "examples,coverage,fuzzing", "--continue-on-failure"]
    arguments += ["--max-examples", EXAMPLES, "--seed", "1"]
    child = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("schemathesis"),
        *arguments,
        cwd=tmp_path,
        env={**os.environ, "PYTHONWARNINGS": "ignore", "SCHEMATHESIS_HOOKS": "hooks"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(child.communicate(), 240)
    assert child.returncode == 0, said.decode()[-6000:]
    assert "CMDCTL_INTERNAL_ERROR" not in remote.here.log.ids()
