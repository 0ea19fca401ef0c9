"""C expressions, and P4 types and values as C: text only, without a function that it stands in."""
