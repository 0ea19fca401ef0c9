"""The switch as users of bmv2 meet it."""
