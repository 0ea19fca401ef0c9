"""The tables that experiments print at the end, one file each, with the experiment's name.

Each is imported by its experiment only; they import `claims`, and read nothing but their arguments.
"""
