"""Syntax: the tree (`ast`), the parser that makes it (`parser`, called by `parse`), the printer that writes it out, and
what annotations hold (`annotations`).

May import `p4front.text`; it knows neither types nor what names mean.
"""
