"""Expressions, l-values, keysets, arguments and calls as C. May import `functions` and `values`; what is called is
known through `functions.callables`, externs by what they register."""

from softswitch.codegen.expressions import calls, initialisers, integers, members, operators

__all__ = ["calls", "initialisers", "integers", "members", "operators"]
