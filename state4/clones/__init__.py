"""Clones of state updates: their header, the updates in them, look-ahead, and the listener that receives them.

May import `state4.errors` and `state4.values`.
"""
