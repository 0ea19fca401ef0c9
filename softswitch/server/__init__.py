"""The P4Runtime server of a switch (P4Runtime specification 1.5) and the bulk service.

Each package may import only those after it: `rpc`, `device`, `entities`, `program`, `values`, and at the end `errors`.
"""
