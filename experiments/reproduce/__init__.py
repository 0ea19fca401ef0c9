"""All experiments one after the other, with a report: `python -m experiments.reproduce` (`runner`)."""
