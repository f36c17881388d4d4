"""The OpenAPI document is true: schemathesis asks every operation with what the document allows, and more."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from cmdctl.app import all_routes
from cmdctl.openapi import openapi
from cmdctl.routing import Operation
from tests.cmdctl.test_access import remote

EXAMPLES = "6"  # of each operation and kind; more by hand
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"

__all__ = ["remote"]  # the fixture


class _Nothing:
    def __getattr__(self, _name):
        return None


DOCUMENT = openapi([route for route in all_routes(_Nothing()) if isinstance(route, Operation)])  # type: ignore[arg-type]


def test_every_operation_is_described_once():
    described = [(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods]
    assert len(described) == len(all_routes(_Nothing()))  # type: ignore[arg-type]
    names = [operation["operationId"] for methods in DOCUMENT["paths"].values() for operation in methods.values()]
    assert len(set(names)) == len(names)


@pytest.mark.asyncio(loop_scope="module")
async def test_schemathesis_finds_nothing(remote, tmp_path, monkeypatch):
    monkeypatch.setattr("cmdctl.bodies.BODY_SECONDS", 0.3)
    url = f"https://127.0.0.1:{remote.address[1]}/v1/openapi.json"
    arguments = ["run", url, "--header", remote.bearer("admin"), "--tls-verify", "false", "--no-color"]
    arguments += [
        "--checks",
        CHECKS,
        "--max-examples",
        EXAMPLES,
        "--seed",
        "1",
        "--phases",
        "examples,coverage,fuzzing",
    ]
    program = Path(sys.executable).with_name("schemathesis")
    child = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        cwd=tmp_path,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(child.communicate(), 240)
    assert child.returncode == 0, said.decode()[-6000:]
    assert "CMDCTL_INTERNAL_ERROR" not in remote.here.log.ids()
