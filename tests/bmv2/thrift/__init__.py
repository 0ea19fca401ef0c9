"""The bmv2 target against Thrift servers of our own: one that only keeps books, and softswitch's, which forwards."""
