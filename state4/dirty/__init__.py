"""The dirty map: which blocks of registers were written since the control plane last looked; for strategy `precopy`.

`layout`: which bit of the map stands for which cells; `theory`: how many rounds of reading a rate of writes needs. May
import `state4.errors`.
"""
