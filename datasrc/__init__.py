"""Zone data: backends, finder, updater, journal, zone text."""
