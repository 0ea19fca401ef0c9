"""Tests of all experiments together: running them, the report, the comparison with a reference."""
