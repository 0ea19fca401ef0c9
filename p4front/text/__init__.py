"""Source text: files and places in them, error messages, the preprocessor and the lexer.

`source` has files, spans and P4Error, `preprocess` (with `directives`, `conditions`, `macros`, `expansion`, `pptokens`)
turns text into tokens, `lexer` classifies them, `includes` resolves `#include`s. The lowest layer: it may import
nothing else of p4front.
"""
