"""The commands of `softswitch`, one module each."""
