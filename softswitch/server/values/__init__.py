"""Numbers, names and structures in P4Runtime's form. Imports no other room of the server."""
