"""The switch's pure parts: generated C, values, the shape of the runtime."""
