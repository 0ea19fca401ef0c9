"""The bmv2 target against softswitch's own Thrift server, in simple_switch's place (tests/bmv2: beside that one)."""
