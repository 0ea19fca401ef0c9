"""What CAM and CIM know about a program: its instances, the paths that packets take, what a write does to its cell.

May import p4front.
"""
