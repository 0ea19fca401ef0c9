"""One module per figure. Each reads a result folder and draws; none runs anything."""
