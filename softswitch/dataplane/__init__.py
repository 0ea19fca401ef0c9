"""The C runtime as Python objects: switch, pipeline, tables, arrays. May import `build`."""
