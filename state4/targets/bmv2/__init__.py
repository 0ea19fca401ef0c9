"""bmv2's simple_switch behind Thrift, with programs compiled by p4c-bm2-ss.

May import what `state4.targets` may, and thrift with bmv2's services (the optional packages of `state4[bmv2]`).
"""
