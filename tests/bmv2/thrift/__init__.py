"""The bmv2 target against a Thrift server of our own, which stands in for simple_switch."""
