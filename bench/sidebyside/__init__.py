"""This suite, other name servers and a bare echo, side by side: `python -m bench.sidebyside [ROW ...]`."""
