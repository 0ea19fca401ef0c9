"""Match kinds as P4Info names them (P4Runtime specification 6.4.2)."""

from __future__ import annotations

from finsy.proto import p4i

from p4front.match_kinds import MATCHED


def set_match_type(message: p4i.MatchField, kind: str) -> None:
    """Enters a match kind; one that P4Runtime does not define is entered by its name."""
    if kind in MATCHED:
        message.match_type = p4i.MatchField.MatchType.ValueType(MATCHED[kind].in_p4info or 0)
    else:
        message.other_match_type = kind
