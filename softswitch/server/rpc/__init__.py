"""gRPC: services, streams, listening. May import every other room of the server."""
