"""bmv2's Thrift services on a switch with memory ports."""
