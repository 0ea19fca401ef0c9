"""State4 on programs of special forms: of the paper, of others, with registers of structs."""
