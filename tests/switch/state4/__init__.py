"""State4 with a switch: clones, targets, and generated programs that check its central rule."""
