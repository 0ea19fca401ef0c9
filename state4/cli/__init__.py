"""The command `state4`, one file a command. May import everything of State4; nothing imports it."""
