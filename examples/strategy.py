"""Your own strategy changes a running switch: the controller approach with a second read before the swap.

A file like this in `state4/strategies`, or in a folder named by STATE4_STRATEGIES, appears in every experiment and
figure.
"""

from __future__ import annotations

from running_switch import HERE, running_switch

from state4.programs import prepare_program
from state4.reconfigure import Outcome, Reconfiguration, prepare, reconfigure
from state4.targets.p4runtime.target import P4RuntimeTarget

ALICE, BOB = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")


class SecondLook:
    name = "second_look"
    summary = "the controller approach that reads the registers a second time right before the swap"
    needs_cloning = False

    def reconfigure(self, context: Reconfiguration) -> Outcome:
        retriever, synchroniser = context.retriever, context.synchroniser
        state = retriever.state()
        synchroniser.save()
        synchroniser.write(state)
        synchroniser.write_registers(retriever.registers())  # what packets changed in the meantime
        synchroniser.commit()
        return context.outcome(self.name, state)


STRATEGY = SecondLook()

if __name__ == "__main__":
    program = prepare_program(HERE / "byte_quota.p4")
    with running_switch() as (switch, address), P4RuntimeTarget(address) as target:
        target.install(program)
        (used,) = program.registers
        target.write_register(used, used.from_integers(list(range(256))))
        outcome = reconfigure(STRATEGY, prepare(target, program))
        print(f"{outcome.strategy}: {outcome.cells} cells carried")
        print("the new program has them:", used.integers(target.read_register(used)) == list(range(256)))
