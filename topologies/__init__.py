"""Mininet topologies and node classes: networks that live in namespaces of their own and leave nothing behind."""

from p4front import interpreter

interpreter.prepare(__name__)
