"""Commands, flags and Thrift services as in bmv2 and p4c. May import `server` and all below it; commands import it."""
