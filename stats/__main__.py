"""Run the stats daemon."""

from daemonkit.main import main
from stats.daemon import StatsDaemon

if __name__ == "__main__":
    main(StatsDaemon)
