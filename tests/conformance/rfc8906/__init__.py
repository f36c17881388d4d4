"""A common operational problem: failure to communicate."""
