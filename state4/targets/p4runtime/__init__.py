"""Switches behind P4Runtime. softswitch has a bulk service as well, which reads and writes whole registers, holds
packets and hands over.

May import what `state4.targets` may, `state4.plan.entities` and softswitch.proto.
"""
