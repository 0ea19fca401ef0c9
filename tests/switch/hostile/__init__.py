"""Clients that mean harm or are broken: pushed programs, mutated requests, reads that nobody takes."""
