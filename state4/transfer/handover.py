"""The end of a reconfiguration on a switch that does it alone: no controller is in the middle while packets wait.

From a moment on the switch keeps the clones of updates itself, beside sending them. What was cloned before that moment
is applied here, while packets flow. Then one request is enough: in one step to packets the switch writes the updates
that it has kept, moves the counters and commits. Packets wait for as long as that takes, some microseconds, whatever
the way between switch and controller is like; and a clone that is lost on this way from then on is not missed.
"""

from __future__ import annotations

from state4.clones.source import CloneSource
from state4.clones.store import ARRIVAL_S
from state4.reconfigure import Reconfiguration
from state4.targets.abilities import Handover, Move


class Declined(Exception):
    """The switch has not handed over, and nothing was changed."""

    def __init__(self) -> None:
        super().__init__("the switch declined: it has not kept every clone")


def hand_over(context: Reconfiguration, listener: CloneSource) -> int | None:
    """Brings the new program up to date and makes it the forwarding one. Returns how many cells were written; None if
    the switch can't, or not with this plan: then the new program is still only saved."""
    layout, carried = context.layout, context.carried
    hands_over = context.target.abilities.hands_over
    if hands_over is None or any(item.converts for item in carried):
        return None
    moves = [Move(layout.number(item.old.name), item.old.name, item.new.name) for item in carried]
    try:
        with hands_over.hand_over(layout) as handover:
            written = _up_to(context, listener, handover)
            with context.events.phase("hold") as result, context.events.phase("commit"):
                if not handover.finish(moves, context.state_map.names):
                    raise Declined
                result |= {"held_s": handover.held_s, "clones": handover.clones, "written": handover.updates}
            return written + handover.updates
    except Declined:
        return None


def _up_to(context: Reconfiguration, listener: CloneSource, handover: Handover) -> int:
    """Applies every update before the moment from which the switch keeps them; later ones may be among them, too. If
    one was lost, the registers are read: whatever is newer than the reading, the switch keeps."""
    lost = listener.stats().lost
    if listener.wait_for(*handover.sequences, ARRIVAL_S) and not lost and not listener.stats().lost:
        return context.synchroniser.apply_updates(listener.take())
    contents = {item.old.name: context.target.read_register(item.old) for item in context.carried}
    context.synchroniser.write_registers(contents)
    return 0
