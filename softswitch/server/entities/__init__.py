"""Translates each kind of P4Runtime entity to the data plane and back. May import `program` and `values`."""
