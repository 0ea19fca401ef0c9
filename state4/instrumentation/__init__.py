"""CIM's parts: the code that is inserted, where it is put into the text, what is refused; and what an instrumented
program says about itself in its P4Info (`running`).

May import p4front, `state4.cam`, `state4.analysis` and `state4.clones`; not `state4.cim`, which puts them together.
"""
