"""One program that the device holds, tied to its P4Info. May import `values`."""
