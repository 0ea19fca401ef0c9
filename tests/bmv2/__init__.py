"""Comparisons with real bmv2, skipped if it is not on PATH; and the bmv2 target against an imitation."""
