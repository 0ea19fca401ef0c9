"""The parser: recursive descent over the tokens of `p4front.text`, one class a part of the grammar.

May import `p4front.syntax.ast` and `p4front.text`.
"""
