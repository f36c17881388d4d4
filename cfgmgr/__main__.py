"""Run the configuration manager; with `--check FILE`, check a configuration file instead."""

import sys

if sys.argv[1:2] == ["--check"]:
    from cfgmgr.checker import main as check

    sys.exit(check(sys.argv[2:]))

from cfgmgr.daemon import CfgmgrDaemon
from daemonkit.main import main

main(CfgmgrDaemon)
