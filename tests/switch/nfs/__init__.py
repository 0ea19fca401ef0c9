"""The network functions of nfs/, compared with models of their papers."""
