"""The P4Runtime server of a switch (P4Runtime specification 1.5) and the bulk service.

Each package imports those after it, and none before: `rpc`, `device`, `entities`, `program`, `values`, and `errors`
below.
"""
