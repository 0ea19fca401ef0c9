"""Tests of pure code, in folders named as the packages that they test."""
