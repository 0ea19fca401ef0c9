"""Tests: `unit` needs no switch, `switch` one with memory ports, `net` root and namespaces, `bmv2` bmv2 and p4c."""
