"""State4 on special programs: the paper's, other people's, those with registers of structs."""
