"""Run loadzone."""

import gc
from typing import NoReturn

from loadzone import cli


def main() -> NoReturn:
    """The program `loadzone`."""
    # What it reads it keeps to the end: the collector would only walk millions of sets, again and again.
    gc.disable()
    cli.main()


if __name__ == "__main__":
    main()
