"""State4 with a switch: clones, targets, generated programs against the rule."""
