"""Ways to complete a reconfiguration without losing an update, for `state4_exact`.

`handover`: the switch applies the last updates itself; `held_swap`: it holds packets while the controller does;
`gated_swap`: packets wait in the new program (`gate`), with `counts` for its counters. May import `state4.reconfigure`
and everything that it imports; strategies import it.
"""
