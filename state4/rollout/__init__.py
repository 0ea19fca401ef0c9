"""A change of program on several switches, one after the other or a few at once (`state4 rollout`).

`file` reads what is to be done, `record` keeps what has been done, `commands` runs `state4 reconfigure` for one switch
where that switch is, `engine` puts them together. Of switches it knows nothing but
the output of that command. `state4.cli` may import it.
"""
