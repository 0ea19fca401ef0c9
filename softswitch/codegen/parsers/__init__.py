"""Parsers, select and parser errors as C. Used by `pipeline`, and by `expressions.calls` for sub-parsers."""
