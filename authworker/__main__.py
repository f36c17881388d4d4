"""Run the worker of auth."""

from authworker.daemon import AuthworkerDaemon
from daemonkit.main import main

if __name__ == "__main__":
    main(AuthworkerDaemon)
