"""The printer: the source text of a syntax tree, with the brackets that it needs.

May import `p4front.syntax.ast`, `p4front.syntax.parser` (precedence of operators) and `p4front.text`.
"""
