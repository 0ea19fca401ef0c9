"""P4_16 front end: preprocess, lex, parse, resolve, type-check, elaborate, print. It knows nothing of State4 or of the
switch.

Rooms in the order in which a program passes through them, each of which may import those before it: `text`, `syntax`,
`types` (with `program`, the facts about a checked program), `check`, `elaborate`, `p4info`. `load` is the entry point.
"""
