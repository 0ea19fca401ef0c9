"""The P4Runtime server, with our own small controller and with other projects' clients."""
