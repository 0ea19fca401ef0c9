"""bmv2's Thrift services on this switch: `standard`, `simple_pre_lag` and `simple_switch`.

simple_switch_CLI and p4-utils drive it by them. Requests become what P4Runtime's clients do, under the same lock.
Needs the bindings of the extra `[bmv2]`, so it is imported only when a port for it is given (`softswitch run
--thrift-port`). `server` listens, `protocol` finds the handler of a request; the handlers are in one file for each
concern, and below them are `access` (the program under the lock), `handles`, `values` and `errors`.
"""
