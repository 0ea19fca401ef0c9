"""P4Data of values: a value with too few numbers is reported, even in the middle of a list."""

from __future__ import annotations

import pytest
from finsy.proto import p4i, p4t

from softswitch.server.values.p4data import DataTypes
from softswitch.server.values.translation import Translations


def bits(width: int) -> p4t.P4DataTypeSpec:
    return p4t.P4DataTypeSpec(bitstring=p4t.P4BitstringLikeTypeSpec(bit=p4t.P4BitTypeSpec(bitwidth=width)))


@pytest.mark.parametrize("numbers", [[], [1]])
def test_too_few_numbers_are_named(numbers: list[int]) -> None:
    pair = p4t.P4DataTypeSpec(tuple=p4t.P4TupleTypeSpec(members=[bits(8), bits(16)]))
    with pytest.raises(ValueError, match="fewer numbers than the type has leaves"):
        DataTypes(p4i.P4Info(), Translations()).encode(pair, iter(numbers))
