"""What an experiment prints at its end for people: one table an experiment, in a file of its name.

Imported by that experiment alone; imports `claims`, and reads nothing but what it is given.
"""
