"""What users of bmv2 know, on this switch. May import `server` and all below it; commands import it."""
