"""What the standards ask, shown by packets: tests that speak DNS to a server and know nothing else of it."""
