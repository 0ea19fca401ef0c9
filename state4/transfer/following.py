"""Applies cloned updates to the new program while packets flow, so that little is left for the swap."""

from __future__ import annotations

from state4.clones.source import CloneSource
from state4.clones.store import ARRIVAL_S
from state4.reconfigure import Reconfiguration
from state4.rssm import FEW_UPDATES, MAX_ROUNDS


class Following:
    """The new program follows the old one. `written`: cells written by now."""

    def __init__(self, context: Reconfiguration, clones: CloneSource) -> None:
        self.clones = clones
        self.written = 0
        self._context = context
        self._made_up = 0  # clones lost before the registers were last read

    def catch_up(self, patience: int = 1) -> None:
        """Applies updates until a round yields few. If clones were lost, the registers are read again, once.
        `patience`: how many times the usual number of rounds."""
        again = True
        for _ in range(MAX_ROUNDS * patience):
            self._context.events.check()
            lost = self.clones.stats().lost
            count = self.apply()
            if again and self.clones.stats().lost != self._made_up:
                again = False
                self.read_again()
                # Clones taken above are older than this read, and all later ones are still to come.
                self._made_up = lost
            elif count <= FEW_UPDATES:
                break

    def apply(self) -> int:
        """Applies the updates that have arrived. Returns how many these were."""
        updates = self.clones.take()
        self.written += self._context.synchroniser.apply_updates(updates)
        return len(updates)

    def read_again(self) -> None:
        """Reads the registers while packets flow, and writes them."""
        contents = self._context.target.read_registers([item.old for item in self._context.carried])
        self._context.synchroniser.write_registers(contents)

    def has_all(self, sequences: tuple[int, int]) -> bool:
        """Whether no clone up to these numbers is missing; waits for the latest."""
        if not self._complete() or not self.clones.wait_for(*sequences, ARRIVAL_S):
            return False
        return self._complete()

    def _complete(self) -> bool:
        return self.clones.stats().lost == self._made_up
