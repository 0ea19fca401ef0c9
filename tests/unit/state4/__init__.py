"""State4's pure parts: analysis, instrumentation, plans, clones."""
