"""Controls, their actions and tables as C. Used by `pipeline`, and by `expressions.calls` for `apply`."""
