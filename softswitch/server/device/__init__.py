"""The device: its active and saved programs, and what changes them. May import `entities`, `values`, arbitration."""
