"""Run the cmdctl daemon."""

from cmdctl.daemon import CmdctlDaemon
from daemonkit.main import main

if __name__ == "__main__":
    main(CmdctlDaemon)
