"""Conformance with p4c's test data: packet tests, accepted and rejected programs, P4Info, and agreement of P4Info, the
compiled pipeline and CAM on every object of a program.

The test data is not part of this repository; `make conformance P4C=<checkout>` names one. `conformance.programs` does
the like for any folder of programs, and `conformance.labs` runs exercises that others wrote for bmv2.
"""

from p4front import interpreter

interpreter.prepare(__name__)
