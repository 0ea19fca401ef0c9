"""Conformance against p4c's test data: packet tests, acceptance and refusal of programs, P4Info.

The test data is not part of this repository; `make conformance P4C=<checkout>` names one.
"""
