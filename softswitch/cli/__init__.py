"""The commands of `softswitch`, one module each."""

import os

# gRPC's C core prints to standard error by itself what we report in a line of our own.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
