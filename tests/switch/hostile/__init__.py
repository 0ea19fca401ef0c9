"""Broken and malicious clients: pushed programs, mutated requests, reads that are never consumed."""
