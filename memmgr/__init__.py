"""Keeps the images of zones in line with the data sources."""
