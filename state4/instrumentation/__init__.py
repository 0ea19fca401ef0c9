"""CIM's parts: the code that is inserted, where it is put into the text, what is refused; programs ready to be
installed.

May import p4front, `state4.cam`, `state4.analysis` and `state4.clones`.
"""
