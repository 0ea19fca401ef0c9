"""Whole experiments, short: they build their networks themselves."""
