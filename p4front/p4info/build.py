"""P4Info of a whole program: first every object's name, then the messages in the order in which p4c writes them."""

from __future__ import annotations

from finsy.proto import p4i

from p4front.elaborate import elaborate
from p4front.elaborate.objects import ExternObject, Item, Table, ValueSet
from p4front.p4info.annotations import add_annotations, add_documentation, set_preamble
from p4front.p4info.externs import KINDS, ExternWriter
from p4front.p4info.ids import Kind, SymbolTable, field_ids
from p4front.p4info.tables import add_action, add_table
from p4front.p4info.typespec import TypeSpecs, control_width, flatten
from p4front.program import Program
from p4front.syntax import ast
from p4front.syntax.annotations import has, literal, text_argument
from p4front.types.types import StructType

_PACKAGE_FIELDS = ("name", "version", "organization", "contact", "url", "arch")
_PLATFORM_FIELDS = (
    "multicast_group_table_size",
    "multicast_group_table_total_replicas",
    "multicast_group_table_max_replicas_per_entry",
)


def build_p4info(program: Program) -> p4i.P4Info:
    """P4Info of a checked program, equal to what p4c gives for architecture v1model. Objects with `@hidden` are left
    out. Raises P4Error if the program cannot be elaborated, or an `@id` is wrong or used twice."""
    return _Builder(program).build()


class _Builder:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.info = p4i.P4Info()
        self.symbols = SymbolTable()
        self.types = TypeSpecs(self.info, program.errors)
        self.elaboration = elaborate(program)
        self.externs = ExternWriter(self.info, self.symbols, self.types)

    def build(self) -> p4i.P4Info:
        self._collect()
        for obj in self.elaboration.globals:
            self.externs.add(obj)
        done: set[int] = set()
        for block in self.elaboration.blocks:
            for action in block.actions:
                number = self.symbols.id(Kind.ACTION, action.name)
                if number not in done and not has(action.decl.annotations, "hidden"):
                    done.add(number)
                    add_action(self.info, action, self.symbols, self.types)
            if block.calls_extern_functions and isinstance(block.instance.decl, ast.ControlDecl):
                self.types.touch()
            for digest in block.digests:
                self.externs.add_digest(digest)
        for block in self.elaboration.blocks:
            for item in block.items():
                self._item(item, done)
        for type_ in self._controller_headers():
            self._controller_header(type_)
        self._package()
        return self.info

    def _collect(self) -> None:
        """Names first: ids and aliases depend on all of them."""
        for obj in self.elaboration.globals:
            self._collect_extern(obj)
        for block in self.elaboration.blocks:
            for action in block.actions:
                self.symbols.add(Kind.ACTION, action.name, action.decl)
            for digest in block.digests:
                self.symbols.add(Kind.DIGEST, digest.name)
            for item in block.items():
                if isinstance(item, ExternObject):
                    self._collect_extern(item)
                elif isinstance(item, ValueSet):
                    self.symbols.add(Kind.VALUE_SET, item.name, item.decl)
                elif isinstance(item, Table):
                    self._collect_table(item)
        for type_ in self._controller_headers():
            self.symbols.add(Kind.CONTROLLER_HEADER, type_.name, type_.decl)

    def _collect_extern(self, obj: ExternObject) -> None:
        kind = KINDS.get(obj.kind)
        if kind is not None:
            self.symbols.add(kind, obj.name, obj.decl)

    def _collect_table(self, table: Table) -> None:
        self.symbols.add(Kind.TABLE, table.name, table.decl)
        for obj in (table.implementation, table.counters, table.meters):
            if obj is not None and obj.kind in KINDS and isinstance(obj.decl, ast.TableProperty):
                self.symbols.add(KINDS[obj.kind], obj.name)

    def _item(self, item: Item, done: set[int]) -> None:
        if isinstance(item, ExternObject):
            kind = KINDS.get(item.kind)
            number = self.symbols.id(kind, item.name) if kind is not None else 0
            if number not in done:
                done.add(number)
                self.externs.add(item)
        elif isinstance(item, ValueSet):
            self.externs.add_value_set(item)
        elif isinstance(item, Table) and not has(item.decl.annotations, "hidden"):
            message = add_table(self.info, item, self.symbols, self.types)
            self.externs.add_table_objects(item, message)

    def _controller_headers(self) -> list[StructType]:
        result = []
        for decl in self.program.syntax.declarations:
            if isinstance(decl, ast.StructDecl) and decl.annotation("controller_header") is not None:
                type_ = self.program.declared.get(decl)
                if isinstance(type_, StructType):
                    result.append(type_)
        return result

    def _controller_header(self, type_: StructType) -> None:
        decl = type_.decl
        if decl is None or has(decl.annotations, "hidden"):
            return
        name = text_argument(decl.annotations, "controller_header") or type_.name
        message = self.info.controller_packet_metadata.add()
        number = self.symbols.id(Kind.CONTROLLER_HEADER, type_.name)
        set_preamble(message.preamble, number, name, name, decl.annotations)
        fields = flatten(type_)
        numbers = field_ids([own for _, own, _ in fields])
        for number, (field, own, field_type) in zip(numbers, fields, strict=True):
            if has(own, "hidden"):
                continue
            item = message.metadata.add(id=number, name=field, bitwidth=control_width(field_type))
            add_annotations(item, own)
            new_type = self.types.name_of_new_type(field_type)
            if new_type:
                item.type_name.name = new_type

    def _package(self) -> None:
        main = self.program.main
        if main is None:
            return
        package = self.info.pkg_info
        package.arch = "v1model"
        pkginfo, platform = main.annotation("pkginfo"), main.annotation("platform_property")
        for pair in pkginfo.pairs if pkginfo is not None else []:
            value = literal(pair.value)
            if pair.key.text in _PACKAGE_FIELDS and isinstance(value, str):
                setattr(package, pair.key.text, value)
        if platform is not None:
            package.platform_properties.SetInParent()
            for pair in platform.pairs:
                value = literal(pair.value)
                if pair.key.text in _PLATFORM_FIELDS and isinstance(value, int):
                    setattr(package.platform_properties, pair.key.text, value)
        without = ("pkginfo", "platform_property")
        add_annotations(package, main.annotations, without=without)
        add_documentation(package, main.annotations)
