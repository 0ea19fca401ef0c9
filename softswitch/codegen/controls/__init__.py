"""Controls, their actions and tables as C. May import `statements` and what is below it."""
