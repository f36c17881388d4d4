"""Answers, in a process of its own, what auth cannot answer from images."""
