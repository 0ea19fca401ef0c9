"""Switches without a network, a clock or threads, advanced step by step, and the oracles to compare them with."""
