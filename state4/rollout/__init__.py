"""Changes the program of several switches, one after the other or a few at a time (`state4 rollout`).

`file` reads what is to be done, `record` stores what has been done, `commands` runs `state4 reconfigure` for one switch
on that switch's machine, and `engine` combines them. The engine knows switches only through the output of that command.
`state4.cli` may import this package.
"""
