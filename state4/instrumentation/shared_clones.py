"""Clones of the program's own in passes that write: they carry the updates, too.

v1model makes one clone in each pass, the last one asked for. While State4 clones, the sessions of such clones have the
CPU port as one more replica (`state4.shared_sessions`). The fields that the program preserves stay as they
are, and State4's join them; in egress each copy knows by its replica number which one it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from p4front.program import CallInfo, Program
from p4front.syntax import ast
from p4front.text.source import Diagnostic, P4Error
from state4.cam import CloneCall
from state4.instrumentation.edits import Edits, editable
from state4.instrumentation.inserted_code import InsertedCode
from state4.instrumentation.whole_structs import without_type_arguments


def field_lists(program: Program, clones: Sequence[CloneCall]) -> tuple[int, ...]:
    """The field lists that the program's own clones preserve. Raises P4Error for one whose number is not a constant."""
    found: set[int] = set()
    for clone in clones:
        call = program.calls[clone.call]
        if call.name == "clone_preserving_field_list":
            index = _argument(call, "index")
            value = program.constants.get(index)
            if not isinstance(value, int):
                raise P4Error(Diagnostic("the number of a field list must be a constant", index.span))
            found.add(value)
    return tuple(sorted(found))


class SharedClones:
    """Edits that let the program's own clones carry updates. `slots`: the expression for the updates of a pass at a
    call. `start` comes before the edits that list whole structs, `finish` after them."""

    def __init__(
        self,
        program: Program,
        clones: Sequence[CloneCall],
        edits: Edits,
        code: InsertedCode,
        slots: Callable[[CloneCall], str],
    ) -> None:
        self._program = program
        self._edits = edits
        self._code = code
        self._slots = {clone: slots(clone) for clone in clones}

    def start(self) -> None:
        for clone in self._slots:
            call = self._program.calls[clone.call]
            if call.name == "clone":
                self._edits.after(clone.call.callee.span, "_preserving_field_list")
                name = "index = " if clone.call.args[0].name is not None else ""
                self._edits.after(clone.call.args[-1].span, f", {name}8w{self._code.field_list}")
            elif call.name == "clone3":
                self._edits.before(_argument(call, "data").span, "{ ")

    def finish(self, listed: set[ast.Call]) -> None:
        """`listed`: calls whose type arguments are gone already."""
        for clone, slots in self._slots.items():
            call = self._program.calls[clone.call]
            if call.name != "clone3":
                continue
            data = _argument(call, "data")
            fields = ", ".join(f"{slots}.{name}" for name in self._code.preserved())
            self._edits.after(data.span, f", {fields} }}")
            if clone.call not in listed:
                without_type_arguments(clone.call, self._edits)

    def statements(self) -> list[tuple[ast.Call, str]]:
        """What is to follow each clone."""
        return [(clone.call, f"{slots}.shared = 1;") for clone, slots in self._slots.items()]


def _argument(call: CallInfo, name: str) -> ast.Expr:
    found = next(a.expr for a in call.args if a.param_name == name)
    assert found is not None
    editable(found.span)
    return found
