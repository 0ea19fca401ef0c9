"""Expressions, calls and what may be written to, as C. Recurses with `statements` by nature: calls have bodies."""
