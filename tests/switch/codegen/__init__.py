"""Generated code, tested by the packets that come out of the switch."""
