"""Minimal answers to queries of type ANY."""
