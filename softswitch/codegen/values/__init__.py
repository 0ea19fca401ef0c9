"""How values of each type look in C and on the wire: layout, scalars, headers, bits of a packet."""
