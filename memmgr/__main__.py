"""Run the memmgr daemon."""

from daemonkit.main import main
from memmgr.daemon import MemmgrDaemon

if __name__ == "__main__":
    main(MemmgrDaemon)
