"""What a change of programs means for the state: which component is carried over, converted or dropped, and how.

`compare` makes the plan; `translator` and `carried` apply it to entries and registers; `state_map` reads --map. May
import `state4.instrumentation`, `state4.clones` and `state4.values`; it knows no switch.
"""
