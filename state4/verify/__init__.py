"""Does a running switch hold what it should? `snapshot`: what it held at some moment, as a file; `expected`: what it
should hold, from a snapshot or a file of entries; `compare`: the differences, by component and cell.

After P4Consist (Shukla et al., INFOCOM 2020), which compares the control plane's view with the data plane's. May import
`state4.plan`, `state4.targets` and all that these import.
"""
