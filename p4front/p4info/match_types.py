"""Match kinds as P4Info names them (P4Runtime specification 6.4.2)."""

from __future__ import annotations

from finsy.proto import p4i

MATCH_TYPES = {
    "exact": p4i.MatchField.EXACT,
    "lpm": p4i.MatchField.LPM,
    "ternary": p4i.MatchField.TERNARY,
    "range": p4i.MatchField.RANGE,
    "optional": p4i.MatchField.OPTIONAL,
}


def set_match_type(message: p4i.MatchField, kind: str) -> None:
    """Enters a match kind; one that P4Runtime does not know by its name."""
    if kind in MATCH_TYPES:
        message.match_type = MATCH_TYPES[kind]
    else:
        message.other_match_type = kind
