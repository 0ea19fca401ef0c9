"""Parsers, select and parser value sets as C. May import `statements` and what is below it."""
