"""Tests with a switch whose ports are in memory and whose clock stands still; started by `harness.py`,
`controller.py`."""
