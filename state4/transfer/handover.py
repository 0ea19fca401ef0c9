"""Completes a reconfiguration on a switch that applies the last updates itself, so that packets do not wait for a
controller.

From a certain point on, the switch keeps a copy of every clone that it sends. Earlier clones are applied here while
packets flow. One request then completes the change: in one safe point the switch writes the updates it has kept, moves
the counters and commits. That takes a few microseconds, however slow the connection to the controller is, and losing a
clone on that connection in the meantime does no harm.
"""

from __future__ import annotations

from state4.clones.source import CloneSource
from state4.clones.store import ARRIVAL_S
from state4.reconfigure import Reconfiguration
from state4.targets.abilities import CellCopy, Handover, Move


class Declined(Exception):
    """The switch has not handed over; nothing was changed."""

    def __init__(self) -> None:
        super().__init__("the switch declined: it does not have every clone, or cannot move what others have written")


def hand_over(context: Reconfiguration, listener: CloneSource) -> int | None:
    """Brings the new program up to date and activates it. Returns the number of cells written; None if the switch
    cannot do this, or not with this plan: then the new program is still only saved."""
    layout, carried = context.layout, context.carried
    hands_over = context.target.abilities.hands_over
    if hands_over is None or any(item.converts for item in carried):
        return None
    moves = [Move(layout.number(item.old.name), item.old.name, item.new.name) for item in carried]
    try:
        with hands_over.hand_over(layout) as handover:
            written = _up_to(context, listener, handover)
            copies = _copies(context)
            with context.events.phase("hold") as result, context.events.phase("commit"):
                if not handover.finish(moves, context.state_map.names, copies):
                    raise Declined
                result |= {"held_s": handover.held_s, "clones": handover.clones, "written": handover.updates}
            return written + handover.updates
    except Declined:
        return None


def _copies(context: Reconfiguration) -> list[CellCopy]:
    """The cells that other controllers have written; these are blocked from now on. Raises Declined if the switch
    cannot move some of the cells unchanged."""
    copies = []
    for part in context.synchroniser.settle():
        old, new = part.item.old, part.item.new
        if (old.width, old.signed) != (new.width, new.signed):
            raise Declined
        count = min(part.start + part.count, new.cells) - part.start
        if count > 0:
            copies.append(CellCopy(old.name, new.name, part.start, count))
    return copies


def _up_to(context: Reconfiguration, listener: CloneSource, handover: Handover) -> int:
    """Applies every update from before the switch started to keep them, and possibly some later ones. If a clone was
    lost, the registers are read: the switch keeps all updates newer than that read."""
    lost = listener.stats().lost
    if listener.wait_for(*handover.sequences, ARRIVAL_S) and not lost and not listener.stats().lost:
        return context.synchroniser.apply_updates(listener.take())
    contents = {item.old.name: context.target.read_register(item.old) for item in context.carried}
    context.synchroniser.write_registers(contents)
    return 0
