"""A checked program to a shared object, and the C runtime to a library, both cached by content.

May import `codegen` and `p4front`.
"""
