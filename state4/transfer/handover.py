"""Completes a reconfiguration on a switch that applies the last updates itself, so that packets do not wait for a
controller.

From a certain point on, the switch keeps a copy of every clone that it sends. Earlier clones are applied here while
packets flow. One request then completes the change: in one safe point the switch writes the updates it has kept, moves
the counters and commits. That takes a few microseconds, however slow the connection to the controller is, and losing a
clone on that connection in the meantime does no harm.
"""

from __future__ import annotations

from state4.reconfigure import Reconfiguration
from state4.targets.abilities import CellCopy, Handover, Move
from state4.transfer.following import Following
from state4.transfer.tries import Declined, NotThisWay


def hand_over(context: Reconfiguration, following: Following) -> int:
    """Brings the new program up to date and activates it. Returns the number of cells that the switch wrote. Raises
    Declined, and NotThisWay if the switch cannot do this, or not with this plan: then the new program is still only
    saved."""
    layout, carried = context.layout, context.carried
    hands_over = context.target.abilities.hands_over
    if hands_over is None or any(item.converts for item in carried):
        raise NotThisWay("the switch cannot move these registers")
    moves = [Move(layout.number(item.old.name), item.old.name, item.new.name) for item in carried]
    with hands_over.hand_over(layout) as handover:
        _up_to(following, handover)
        copies = _copies(context)
        with context.events.phase("hold") as result, context.events.phase("commit"):
            if not handover.finish(moves, context.state_map.names, copies):
                raise Declined("the switch declined: it does not have every clone")
            result |= {"held_s": handover.held_s, "clones": handover.clones, "written": handover.updates}
        return handover.updates


def _copies(context: Reconfiguration) -> list[CellCopy]:
    """The cells that other controllers have written; these are blocked from now on. Raises NotThisWay if the switch
    cannot move some of the cells unchanged."""
    copies = []
    for part in context.synchroniser.settle():
        old, new = part.item.old, part.item.new
        if (old.width, old.signed) != (new.width, new.signed):
            raise NotThisWay("the switch cannot move the cells that others have written")
        count = min(part.start + part.count, new.cells) - part.start
        if count > 0:
            copies.append(CellCopy(old.name, new.name, part.start, count))
    return copies


def _up_to(following: Following, handover: Handover) -> None:
    """Applies every update from before the switch started to keep them, and possibly some later ones. If a clone was
    lost, the registers are read: the switch keeps all updates newer than that read."""
    if following.has_all(handover.sequences):
        following.apply()
    else:
        following.read_again()
