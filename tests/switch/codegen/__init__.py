"""What generated code does, by what comes out of the switch."""
