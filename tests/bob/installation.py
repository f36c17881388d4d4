"""A Python that another user can run, with the suite in it."""

from __future__ import annotations

import pwd
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from bob.privileges import Account, first_unreadable, installation_files

CHECKOUT = Path(__file__).resolve().parents[2]


def nobody() -> Account:
    """A user without rights that every machine has."""
    entry = pwd.getpwnam("nobody")
    return Account("nobody", entry.pw_uid, entry.pw_gid)


def interpreter_for(account: Account, directory: Path) -> Path | None:
    """A Python with the suite that the account can run: ours, or an environment of another one; None: there is none."""
    if first_unreadable(account, installation_files()) is None:
        return Path(sys.executable)
    packages = Path(sysconfig.get_path("purelib"))
    for name in ("/usr/bin", "/usr/local/bin"):
        base = Path(name) / f"python{sys.version_info.major}.{sys.version_info.minor}"
        if base.exists() and first_unreadable(account, [base, packages, CHECKOUT / "bob" / "cli.py"]) is None:
            return _environment(base, directory, packages)
    return None


def _environment(base: Path, directory: Path, packages: Path) -> Path:
    shutil.rmtree(directory, ignore_errors=True)
    subprocess.run([base, "-m", "venv", "--without-pip", directory], check=True)
    (site,) = directory.glob("lib/python*/site-packages")
    (site / "suite.pth").write_text(f"{packages}\n{CHECKOUT}\n")
    for path in (directory, *directory.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else path.stat().st_mode | 0o444)
    return directory / "bin" / "python"
