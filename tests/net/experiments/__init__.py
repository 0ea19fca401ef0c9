"""Complete experiments, shortened: they build their own networks."""
