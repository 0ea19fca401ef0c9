"""What a P4Runtime Update does with its entity (P4Runtime 1.4, section 12), by short names."""

from __future__ import annotations

from finsy.proto import p4r

INSERT, MODIFY, DELETE = p4r.Update.INSERT, p4r.Update.MODIFY, p4r.Update.DELETE

__all__ = ["DELETE", "INSERT", "MODIFY"]
