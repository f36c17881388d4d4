"""Packets that no client sends by intention, row by row."""
