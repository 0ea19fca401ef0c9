"""Statements, loops and switches as C, and `body`, which collects the lines of one C function."""
