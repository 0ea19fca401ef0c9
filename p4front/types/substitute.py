"""Replacing type parameters by types in a type; specialising generic structs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from p4front.types.types import (
    CallableType,
    FieldInfo,
    ListType,
    ObjectType,
    SetType,
    StackType,
    StructType,
    TupleType,
    Type,
    TypeVar,
    unnamed_struct,
)

Binding = Mapping[TypeVar, Type]


def substitute(type_: Type, binding: Binding) -> Type:
    """`type_` with each bound TypeVar replaced; the same object where nothing changes."""
    return _substitute(type_, binding, {}) if binding else type_


def _substitute(type_: Type, binding: Binding, memo: dict[StructType, StructType]) -> Type:
    """`memo` keeps what structs became: the fields of one may hold another many times over."""
    if isinstance(type_, TypeVar):
        return binding.get(type_, type_)
    if isinstance(type_, StructType):
        return _struct(type_, binding, memo)
    if isinstance(type_, StackType):
        return StackType(_substitute(type_.element, binding, memo), type_.size)
    if isinstance(type_, TupleType):
        return TupleType(tuple(_substitute(t, binding, memo) for t in type_.items))
    if isinstance(type_, ListType):
        return ListType(_substitute(type_.element, binding, memo))
    if isinstance(type_, SetType):
        return SetType(_substitute(type_.element, binding, memo))
    if isinstance(type_, ObjectType):
        if not type_.args:
            return type_
        return replace(type_, args=tuple(_substitute(t, binding, memo) for t in type_.args))
    if isinstance(type_, CallableType):
        return substitute_callable(type_, binding)
    return type_


def _struct(type_: StructType, binding: Binding, memo: dict[StructType, StructType]) -> StructType:
    if type_.decl is not None and not type_.args:
        return type_
    known = memo.get(type_)
    if known is not None:
        return known
    args = tuple(_substitute(t, binding, memo) for t in type_.args)
    if type_.decl is not None and args == type_.args:
        return type_
    fields = tuple(FieldInfo(f.name, _substitute(f.type, binding, memo), f.decl) for f in type_.fields)
    result = unnamed_struct(fields) if type_.decl is None else replace(type_, args=args, fields=fields)
    memo[type_] = result
    return result


def substitute_callable(callable_: CallableType, binding: Binding) -> CallableType:
    """A signature with its parameters and result substituted; its own type parameters that are bound disappear."""
    if not binding:
        return callable_
    params = tuple(replace(p, type=substitute(p.type, binding)) for p in callable_.params)
    return replace(
        callable_,
        params=params,
        returns=substitute(callable_.returns, binding),
        type_params=tuple(v for v in callable_.type_params if v not in binding),
    )


def free_variables(type_: Type) -> set[TypeVar]:
    """The type parameters that occur in a type."""
    if isinstance(type_, TypeVar):
        return {type_}
    parts: tuple[Type, ...] = ()
    if isinstance(type_, StructType):
        parts = type_.args if type_.decl is not None else tuple(f.type for f in type_.fields)
    elif isinstance(type_, (StackType, ListType, SetType)):
        parts = (type_.element,)
    elif isinstance(type_, TupleType):
        parts = type_.items
    elif isinstance(type_, ObjectType):
        parts = type_.args
    return set().union(*map(free_variables, parts)) if parts else set()
