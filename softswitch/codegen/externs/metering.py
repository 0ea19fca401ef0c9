"""Counters and meters, indirect and direct (v1model)."""

from __future__ import annotations

from p4front.elaborate.objects import ExternObject
from p4front.program import CallInfo
from p4front.syntax import ast
from p4front.types.types import BitType
from softswitch.codegen.externs import operands
from softswitch.codegen.functions.function_body import FunctionBody, Value
from softswitch.codegen.values import cexpr
from softswitch.codegen.values.context import LENGTH, X, pipeline_object


def count(body: FunctionBody, expr: ast.Call, info: CallInfo, obj: ExternObject) -> Value | None:
    """counter.count(in index)"""
    index = operands.scalar(body, operands.argument(info, "index", expr), BitType(32))
    index = body.keep(index)
    number = body.unit.numbers[obj]
    counted = pipeline_object("counters", number)
    body.emit(f"{cexpr.call('ss_counter_count', counted, operands.as64(index), LENGTH)};")
    counter = body.unit.counters[number]
    body.trace_values(f"counter {counter.name}[{{}}] counts", operands.shown_index(index, counter.cells))
    return None


def execute(body: FunctionBody, expr: ast.Call, info: CallInfo, obj: ExternObject) -> Value | None:
    """meter.execute_meter(in index, out result)"""
    index = operands.scalar(body, operands.argument(info, "index", expr), BitType(32))
    index = body.keep(index)
    result = operands.target(body, operands.argument(info, "result", expr))
    number = body.unit.numbers[obj]
    metered = cexpr.call("ss_meter_execute", pipeline_object("meters", number), operands.as64(index), LENGTH)
    color = body.temp("uint32_t", metered, "color")
    operands.assign(body, result, color, 32)
    declared = body.unit.meters[number]
    at = operands.shown_index(index, declared.cells)
    body.trace_values(f"meter {declared.name}[{{}}]: colour {{}}", at, ("%u", [color]))
    return None


def direct_count(body: FunctionBody, expr: ast.Call, info: CallInfo, obj: ExternObject) -> Value | None:
    """Nothing: the table counts every match by itself, as v1model says."""
    return None


def direct_read(body: FunctionBody, expr: ast.Call, info: CallInfo, obj: ExternObject) -> Value | None:
    """direct_meter.read(out result): the colour of this match; after a miss the result keeps its value."""
    result = operands.target(body, operands.argument(info, "result", expr))
    with body.braces("if (x->metered)"):
        operands.assign(body, result, cexpr.arrow(X, "color"), 32)
    return None
