"""Switches that State4 can reconfigure. `base`: what each of them does; `abilities`: what only some do; `addresses`:
which kind an address means.

May import `state4.clones`, `state4.instrumentation` and `state4.values`. Nothing but `addresses` (and callers outside
of State4) imports a particular target.
"""
