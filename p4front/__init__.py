"""P4_16 front end: preprocess, lex, parse, resolve, type-check, print. It knows nothing of State4 or of the switch."""
