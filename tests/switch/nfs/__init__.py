"""The network functions of nfs/, beside models of their papers."""
