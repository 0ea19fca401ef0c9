"""Mininet topologies and node classes: networks in namespaces of their own that leave nothing behind."""

from p4front import interpreter

interpreter.prepare(__name__)
