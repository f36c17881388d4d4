"""Run the msgq daemon."""

from daemonkit.main import main
from msgq.daemon import MsgqDaemon

main(MsgqDaemon)
