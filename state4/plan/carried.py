"""A register that is carried over: its contents and its cloned updates, in the form of the new program's register."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from state4.plan.conversion import Conversion
from state4.values import Cells, RegisterSpec, convert, convert_cells


@dataclass(frozen=True)
class Carried:
    """`old` and `new` may differ in name, cells and type. `conversion`: what a map says."""

    old: RegisterSpec
    new: RegisterSpec
    conversion: Conversion | None = None

    @property
    def converts(self) -> bool:
        """Whether values change in a way that only the controller knows; a switch itself cuts or extends numbers."""
        return self.conversion is not None or self.old.group != self.new.group

    def contents(self, values: Cells) -> Cells:
        """All cells of the old register as all those of the new one."""
        if self.conversion is not None:
            return self.conversion.contents(values, self.old, self.new)
        return convert(values, self.old, self.new)

    def cells(self, indices: npt.NDArray[np.uint64], values: Cells) -> tuple[npt.NDArray[np.uint64], Cells]:
        """Single cells of the old register as those of the new one; those without a place there are left out."""
        if self.conversion is not None:
            inside, moved = self.conversion.places(indices, self.old, self.new)
            return moved, self.conversion.values(values[inside], self.old, self.new)
        inside = indices < self.new.cells
        kept = convert_cells(values[inside], self.old, self.new, {})
        return np.ascontiguousarray(indices[inside]), kept

    @property
    def changes(self) -> tuple[str, ...]:
        """What differs, in words."""
        old, new = self.old, self.new
        found = []
        if old.name != new.name:
            found.append(f"renamed to {new.name}")
        if old.cells != new.cells:
            found.append(f"{old.cells} -> {new.cells} cells")
        if old.group is not None:
            found += _member_changes(old, new, self._member_names)
        elif old.width != new.width:
            found.append(f"{old.width} -> {new.width} bits")
        if old.signed != new.signed:
            found.append("now signed" if new.signed else "no longer signed")
        if self.conversion is not None:
            found += self.conversion.describe(old, new)
        return tuple(found)

    @property
    def loses(self) -> str:
        """What of its contents has no place any more, "" if nothing."""
        old, new = self.old, self.new
        found = []
        if self.conversion is not None:
            found.append(self.conversion.loses(old, new))
        elif new.cells < old.cells:
            found.append(f"the cells from {new.cells} on")
        if old.group is not None:
            found += _member_losses(old, new, self._member_names)
        elif self.conversion is None:
            found.append(_number_loss(old, new))
        return " and ".join(filter(None, found))

    @property
    def _member_names(self) -> Mapping[str, str]:
        return self.conversion.members if self.conversion is not None else {}


def type_problem(old: RegisterSpec, new: RegisterSpec) -> str:
    """Why cells of one register cannot become those of another, "" if they can."""
    if (old.group is None) == (new.group is None):
        return ""
    one, many = "one number", "several members"
    before, after = (one, many) if old.group is None else (many, one)
    return f"has cells of {before}, and of {after} in the new program"


def _number_loss(old: RegisterSpec, new: RegisterSpec) -> str:
    if new.width < old.width:
        return f"the bits above {new.width}"
    if old.signed != new.signed and old.width > new.width - (not old.signed):
        return "the sign"
    return ""


def _member_changes(old: RegisterSpec, new: RegisterSpec, names: Mapping[str, str]) -> Iterator[str]:
    before, after = old.members, new.members
    for name, member in before.items():
        renamed = names.get(name, name)
        if renamed not in after:
            yield f"member {name} is dropped"
            continue
        if renamed != name:
            yield f"member {name} renamed to {renamed}"
        if member.leaf != after[renamed].leaf:
            yield f"member {renamed}: {member.leaf} -> {after[renamed].leaf}"
    kept = {names.get(name, name) for name in before}
    yield from (f"member {name} is new" for name in after if name not in kept)
    if [names.get(name, name) for name in before if names.get(name, name) in after] != [n for n in after if n in kept]:
        yield "members in another order"


def _member_losses(old: RegisterSpec, new: RegisterSpec, names: Mapping[str, str]) -> Iterator[str]:
    after = new.members
    for name, member in old.members.items():
        target = after.get(names.get(name, name))
        if target is None:
            yield f"its member {name}"
            continue
        one, other = (
            replace(spec, width=leaf.width, signed=leaf.signed, type=None)
            for spec, leaf in ((old, member.leaf), (new, target.leaf))
        )
        loss = _number_loss(one, other)
        if loss:
            yield f"{loss} of its member {name}"
