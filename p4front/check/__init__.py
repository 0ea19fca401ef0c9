"""The checker: what names mean, types of all expressions, values known at compile time, and what is wrong (`program`).

One file a kind of construct. `context` has what they share: scopes, frames, and each part behind a protocol (`parts`),
so that no part imports another. Facts go to `p4front.program.Program`. May import `p4front.syntax`, `p4front.types` and
`p4front.text`; not what uses a checked program (`p4front.elaborate`, `p4front.p4info`).
"""
