"""The P4Runtime server of a switch (P4Runtime specification 1.5) and the bulk service beside it."""
