"""softswitch: a v1model P4 software switch: P4 to C to a running data plane, with P4Runtime."""

from p4front import interpreter

interpreter.prepare(__name__)
