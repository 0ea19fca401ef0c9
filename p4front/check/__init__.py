"""The checker: what names mean, types of all expressions, values known at compile time, and what is wrong (`program`).

One file a kind of construct; what they share, the scopes and the frames, is in `context`. Facts go to
`p4front.program.Program`. May import `p4front.syntax`, `p4front.types` and `p4front.text`; not what uses a checked
program (`p4front.elaborate`, `p4front.p4info`).
"""
