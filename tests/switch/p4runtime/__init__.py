"""The P4Runtime server, by our own small controller and by other projects' clients."""
