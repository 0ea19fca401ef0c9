"""Tests beside real bmv2 and p4c, skipped where they are not on PATH; and the bmv2 target against an imitation."""
