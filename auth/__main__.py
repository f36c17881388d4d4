"""Run the auth daemon."""

from auth.daemon import AuthDaemon
from daemonkit.main import main

main(AuthDaemon)
