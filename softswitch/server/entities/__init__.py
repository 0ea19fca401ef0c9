"""Each kind of P4Runtime entity, to the data plane and back. May import `values`, and `device`'s config and index."""
