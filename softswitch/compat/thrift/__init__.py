"""bmv2's Thrift services on this switch: `standard`, `simple_pre_lag` and `simple_switch`.

simple_switch_CLI and p4-utils control the switch through them. Each request performs the same operations as a P4Runtime
client's, under the same lock. The package needs the bindings of the extra `[bmv2]`, so it is imported only if a port is
given (`softswitch run --thrift-port`). `server` listens, `protocol` finds the handler of a request; the handlers have
one file per concern, on top of `access` (the program under the lock), `handles`, `values` and `errors`.
"""
