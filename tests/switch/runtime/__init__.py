"""The C runtime: tables, profiles, traffic, hand-over, trace."""
