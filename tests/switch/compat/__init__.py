"""The switch as seen by users of bmv2."""
