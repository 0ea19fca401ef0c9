"""Random v1model programs with entries and packets, from a seed, for switches that must do the same with them.

Everything in a program is defined: no field of an invalid header is read, no index is out of range, nothing divides by
zero. Where a packet has several copies, no order of bmv2's threads can be seen. p4c has nothing to warn about.
"""

from tests.bmv2.generator.programs import generate

__all__ = ["generate"]
