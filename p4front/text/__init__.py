"""Source text: files and places in them, error messages, the preprocessor and the lexer.

`source` has files, spans and P4Error, `preprocess` (with `directives`, `conditions`, `macros`, `expansion`, `pptokens`)
makes tokens of a text, `lexer` says what they are, `includes` where an `#include` comes from. The lowest room: it may
import nothing else of p4front.
"""
