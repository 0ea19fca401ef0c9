"""The device: its active and saved programs, the operations that change them, and who may do so.

May import `entities`, `program`, `values`."""
