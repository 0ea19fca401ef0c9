"""Mutated requests to the server; `make fuzz` sends 100,000."""

from __future__ import annotations

import random

import pytest
from finsy.proto import p4i, p4r

from conformance import fuzz_requests
from conformance.message_mutation import mutate
from conformance.valid_entities import ValidEntities
from softswitch.build.program import compile_program
from softswitch.server.device.device import Device
from tests.switch.controller import EVERYTHING, PROGRAMS, Controller, status


@pytest.mark.parametrize("number", range(4))
def test_mutated_requests(number: int) -> None:
    result = fuzz_requests.run_batch(number, [EVERYTHING, PROGRAMS / "named.p4", PROGRAMS / "digests.p4"])
    assert result.status == "passed", result.detail
    assert " OK=" in f" {result.detail}"


def test_a_failure_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Device, *_: object) -> None:
        raise KeyError("an oversight")

    monkeypatch.setattr(Device, "write", broken)
    result = fuzz_requests.run_batch(0, [EVERYTHING])
    assert result.status == "failed"
    assert "INTERNAL" in result.detail


def test_most_valid_entities_are_taken(c: Controller) -> None:
    """Otherwise hardly any mutant would get past the first check."""
    valid = ValidEntities(c.p4info, random.Random(1))
    kinds, taken = set[str](), 0
    for _ in range(300):
        entity = valid()
        kinds.add(str(entity.WhichOneof("entity")))
        update = p4r.Update(type=p4r.Update.INSERT, entity=entity)
        modify = p4r.Update(type=p4r.Update.MODIFY, entity=entity)
        taken += "OK" in (one(c, update), one(c, modify))
    assert taken > 150
    assert kinds >= {"table_entry", "action_profile_member", "action_profile_group", "value_set_entry", "digest_entry"}


def one(c: Controller, update: p4r.Update) -> str:
    request = c.request()
    request.updates.append(update)
    return status(lambda: c.stub.Write(request))


def test_a_mutation_is_repeatable_and_changes_something() -> None:
    info = compile_program(EVERYTHING).p4info

    def mutant(seed: int) -> p4i.P4Info:
        changed = p4i.P4Info()
        changed.CopyFrom(info)
        mutate(changed, random.Random(seed), [1, 2], ["name"])
        return changed

    assert all(mutant(seed) == mutant(seed) for seed in range(20))
    assert sum(mutant(seed) != info for seed in range(200)) > 150
