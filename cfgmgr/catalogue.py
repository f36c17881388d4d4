"""The specs of all modules as one: who owns which top-level key, who reads it, and the options below."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path as FilePath
from typing import Any

from daemonkit.findings import Findings, Path
from daemonkit.option_trees import MapOption
from daemonkit.options import Option
from daemonkit.spec import Spec, SpecError, modules

COMPONENTS = "components"


@dataclass(frozen=True)
class Catalogue:
    """A set of specs that fit together. `defaults` are those of this run, given on the command line."""

    specs: Mapping[str, Spec]
    options: Mapping[str, Option]  # by top-level key

    @cached_property
    def root(self) -> MapOption:
        """The whole configuration as one option."""
        return MapOption(options=self.options)

    def keys_of(self, module: str) -> list[str]:
        """The top-level keys a module is handed: its own, those it reads, and those that concern all."""
        spec = self.specs[module]
        return [key for key in dict.fromkeys((*spec.configurable, *spec.reads, *self._common)) if key in self.options]

    @cached_property
    def _common(self) -> tuple[str, ...]:
        """What every module is handed."""
        return tuple(key for spec in self.specs.values() if spec.common for key in spec.configurable)

    def modules_reading(self, keys: Iterable[str]) -> set[str]:
        """The modules that any of these top-level keys concerns."""
        changed = set(keys)
        return {module for module in self.specs if not changed.isdisjoint(self.keys_of(module))}

    def with_spec(self, spec: Spec) -> Catalogue:
        """This and one more module; raises SpecError where they collide."""
        if spec.module in self.specs:
            raise SpecError(f"{spec.source}: module: there is a module {spec.module!r} already")
        taken = sorted(set(spec.configurable) & set(self.options))
        if taken:
            raise SpecError(f"{spec.source}: roots: {taken[0]!r} belongs to another module")
        return Catalogue({**self.specs, spec.module: spec}, {**self.options, **spec.configurable})

    def with_default(self, path: Path, value: Any) -> Catalogue:
        """This with another default at a path below maps with fixed keys; raises SpecError."""
        root = _with_default(self.root, path, value, path)
        assert isinstance(root, MapOption)
        return Catalogue(self.specs, root.options)


def _with_default(option: Option, path: Path, value: Any, whole: Path) -> Option:
    if not path:
        findings = Findings()
        stored = option.check(value, whole, findings)
        if findings.errors:
            raise SpecError("\n".join(map(str, findings.errors)))
        return replace(option, default=stored)
    part = path[0]
    if not isinstance(option, MapOption) or not isinstance(part, str) or part not in option.options:
        raise SpecError(f"no default can be given at {'.'.join(map(str, whole))}")
    inner = _with_default(option.options[part], path[1:], value, whole)
    return replace(option, options={**option.options, part: inner})


def our_catalogue() -> Catalogue:
    """The modules that come with the suite; raises SpecError."""
    catalogue = Catalogue({}, {})
    for name in modules():
        catalogue = catalogue.with_spec(Spec.load(name))
    return catalogue


def with_components(catalogue: Catalogue, components: Any, findings: Findings) -> Catalogue:
    """The catalogue with the specs that configured components bring; a problem with one goes to the findings.

    `components` is not checked yet: what has not the right shape is left to the check.
    """
    if not isinstance(components, dict):
        return catalogue
    for name, component in components.items():
        path = component.get("spec") if isinstance(component, dict) else None
        if not isinstance(path, str) or not path.startswith("/"):
            continue
        place = (COMPONENTS, name, "spec")
        try:
            spec = Spec.load(FilePath(path))
            extended = catalogue.with_spec(spec)
        except SpecError as error:
            findings.error(place, f"the spec cannot be used: {error}")
            continue
        if spec.module != name:
            findings.error(place, f"the spec is of module {spec.module!r}; the component must have the same name")
            continue
        unknown = [root for root in spec.reads if root not in extended.options]
        if unknown:
            findings.error(place, f"{path}: reads: there is no top-level key {unknown[0]!r}")
            continue
        catalogue = extended
    return catalogue
