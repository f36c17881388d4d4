"""The process that fuzzes: started by tests.fuzz with the sanitizers preloaded.

fuzzer TARGET ARGUMENTS-OF-LIBFUZZER...
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import tempfile
from pathlib import Path


class SanitizedFinder(importlib.abc.MetaPathFinder):
    """Finds the compiled modules that are watched instead of the usual ones."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def find_spec(self, name, path, target=None):
        parent, _, stem = name.rpartition(".")
        for found in (self._place / parent).glob(f"{stem}.*.so") if parent else ():
            loader = importlib.machinery.ExtensionFileLoader(name, str(found))
            return importlib.util.spec_from_file_location(name, found, loader=loader)
        return None


def main() -> None:
    """Fuzz one target."""
    place = Path(os.environ["BOBDNS_SANITIZED"])
    name, *arguments = sys.argv[1:]
    sys.setdlopenflags(os.RTLD_NOW | os.RTLD_GLOBAL)  # the modules report what they reach to libFuzzer in the driver
    loader = importlib.machinery.ExtensionFileLoader("driver", str(place / "driver.so"))
    spec = importlib.util.spec_from_file_location("driver", place / "driver.so", loader=loader)
    assert spec is not None
    driver = importlib.util.module_from_spec(spec)
    loader.exec_module(driver)
    sys.meta_path.insert(0, SanitizedFinder(place / "modules"))

    from tests.fuzz.targets import TARGETS  # now that the finder is there

    with tempfile.TemporaryDirectory(prefix="bobdns-fuzz-") as directory:
        target = TARGETS[name](Path(directory))
        # To merge, libFuzzer runs itself, by words joined with spaces.
        itself = f"{sys.executable} -m tests.fuzz.fuzzer {name}"
        driver.run([itself, f"-max_len={target.longest}", *arguments], target.give)


if __name__ == "__main__":
    main()
