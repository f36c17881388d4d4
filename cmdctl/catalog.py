"""The modules of the suite as their specs tell them: ours, and those that components bring along."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from daemonkit.spec import Spec, SpecError, modules


class Catalog:
    """The specs by module name. Built anew for each configuration; a spec that cannot be read is told as missing."""

    def __init__(self, specs: Mapping[str, Spec], unreadable: Mapping[str, str]) -> None:
        self.specs = specs
        self.unreadable = unreadable  # component -> reason

    @classmethod
    def of(cls, components: Mapping[str, Any]) -> Catalog:
        """Our modules and the specs named under `components`. Reads files."""
        specs = {name: Spec.load(name) for name in modules()}
        unreadable = {}
        for name, component in components.items():
            path = component.get("spec") if isinstance(component, Mapping) else None
            if path is None:
                continue
            try:
                spec = Spec.load(Path(path))
            except SpecError as error:
                unreadable[name] = str(error)
            else:
                specs.setdefault(spec.module, spec)
        return cls(specs, unreadable)

    def summary(self) -> list[dict[str, Any]]:
        """One line a module that does something, by name."""
        return [
            {"module": name, "title": spec.title, "commands": sorted(spec.commands), "topics": sorted(spec.topics)}
            for name, spec in sorted(self.specs.items())
            if spec.component is not None or spec.commands or spec.configurable
        ]


def describe(spec: Spec) -> dict[str, Any]:
    """Everything an operator may want to know of one module."""
    return {
        "module": spec.module,
        "title": spec.title,
        "text": spec.text,
        "commands": {
            name: {
                "text": command.text,
                "role": command.role,
                "changes": command.changes,
                "arguments": dict(command.arguments),
                "zone": command.zone,
            }
            for name, command in spec.commands.items()
        },
        "configuration": sorted(spec.configurable),
        "reads": list(spec.reads),
        "topics": {name: topic.text for name, topic in spec.topics.items()},
        "statistics": {
            name: {"type": statistic.kind, "text": statistic.text} for name, statistic in spec.statistics.items()
        },
        "messages": {
            name: {"severity": message.severity, "text": message.text, "explain": message.explain}
            for name, message in spec.messages.items()
        },
    }
