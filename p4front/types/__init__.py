"""Types of P4_16: what they are, what converts to what, type parameters, and arithmetic on compile-time values.

`types` has the classes, `rules` what may stand where, `unify` and `substitute` generics, `constants` the values. Knows
no program beyond its syntax tree: may import `p4front.syntax`, and of `p4front.program` what a compile-time value is.
"""
