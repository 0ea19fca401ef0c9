"""The device: its active and saved programs, what changes them, and who may.

May import `entities`, `program`, `values`."""
