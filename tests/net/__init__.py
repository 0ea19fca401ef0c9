"""Tests with real interfaces in namespaces: they need root."""
