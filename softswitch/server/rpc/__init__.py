"""gRPC: services, streams, arbitration, roles, listening. May import every other room of the server."""
