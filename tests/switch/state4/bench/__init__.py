"""Switches without a network, a clock or threads, changed step by step, and the oracles beside them."""
