"""gRPC: services, streams, listening. May import all other folders of the server."""
