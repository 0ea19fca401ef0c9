"""Tests of pure code, in folders named like the packages that they test."""
