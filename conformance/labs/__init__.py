"""Collections of exercises that others wrote for bmv2, run as a student would run them, and checked.

`runs` starts a network of Mininet and types lines to it; `tutorials` and `p4_learning` run a collection each, whose
exercises are in `tutorial_exercises` and `learning_exercises`.
"""
