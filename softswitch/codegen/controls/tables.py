"""Tables: a C function that makes the key, looks it up and runs the action; it returns action << 1 | hit (14.2)."""

from __future__ import annotations

from p4front.elaborate.evaluate import evaluate
from p4front.elaborate.names import join_name, own_name
from p4front.elaborate.objects import Table
from p4front.match_kinds import LPM, MATCH_KINDS
from p4front.syntax import ast
from p4front.types.types import BoolType, Type, strip
from softswitch.codegen.controls import entries, table_properties
from softswitch.codegen.errors import refuse
from softswitch.codegen.expressions import arguments, calls, rvalues
from softswitch.codegen.externs import instances
from softswitch.codegen.functions import bounds
from softswitch.codegen.functions.callables import ActionCode, TableCode, find_action
from softswitch.codegen.functions.environment import Environment
from softswitch.codegen.functions.function_body import Function, FunctionBody, Value
from softswitch.codegen.functions.translation_unit import TranslationUnit
from softswitch.codegen.names import identifier, source_comment
from softswitch.codegen.values import cexpr, scalars
from softswitch.codegen.values.cexpr import CExpr
from softswitch.codegen.values.context import X, pipeline_object
from softswitch.codegen.values.hashes import hash_call, hash_name
from softswitch.codegen.values.layout import is_aggregate, is_signed, scalar_width
from softswitch.codegen.values.packing import Writer
from softswitch.model import ActionInfo, ActionParam, KeyField, TableInfo


class TableInstance(TableCode):
    """A table of one instance of a control."""

    def __init__(self, unit: TranslationUnit, table: Table, env: Environment, frame: str) -> None:
        self.unit, self.table, self.decl, self.env, self.frame = unit, table, table.decl, env, frame
        self.name = table.name
        self.index = unit.table_count
        self.c_name = unit.names.fresh(f"table_{identifier(self.name)}")
        self._function: Function | None = None
        self.keys, self.key_types = self._key_fields()
        self.refs: list[ast.ActionRef | None] = list(self.decl.actions)
        self.actions: list[ActionCode] = [
            find_action(env, unit.program.refs.get(ref), ref) for ref in self.decl.actions
        ]
        self._check_action_names()
        self.default_action = self._default_action()
        table_properties.check(table)
        self.default_data = self._default_data()
        self.entries = entries.read(unit, env, self)

    # ------------------------------------------------------------ what it consists of

    def _check_action_names(self) -> None:
        first: dict[str, ast.Node] = {}
        for action in self.actions:
            if first.setdefault(action.name, action.decl) is not action.decl:
                message = f'two actions of table {self.name} have the control-plane name "{action.name}"'
                raise refuse(action.decl.name.span, message)

    def _key_fields(self) -> tuple[list[KeyField], list[Type]]:
        fields: list[KeyField] = []
        types: list[Type] = []
        for key in self.table.keys:
            if key.width is None:
                raise refuse(key.element.expr.span, f"a key of type {key.type} is not supported")
            if key.match not in MATCH_KINDS:
                message = f"match kind {key.match} is not supported: use one of {', '.join(MATCH_KINDS)}"
                raise refuse(key.element.match_kind.span, message)
            fields.append(KeyField(key.name, key.width, key.match))
            types.append(key.type)
        lpm = [key for key in self.decl.keys or [] if key.match_kind.text == LPM.name]
        if len(lpm) > 1:
            raise refuse(lpm[1].span, "a table can have one lpm key only")
        return fields, types

    def _default_action(self) -> int:
        """Index of the default action; NoAction joins the list if the table names none (14.2.1.3)."""
        decl, program = self.decl, self.unit.program
        if decl.default_action is not None:
            wanted = program.refs.get(decl.default_action)
        else:
            wanted = self.unit.no_action
        number = self.action_index(wanted)
        if number is not None:
            return number
        where = decl.default_action or decl
        self.actions.append(find_action(self.env, wanted, where))
        self.refs.append(decl.default_action)
        return len(self.actions) - 1

    def _default_data(self) -> list[int]:
        ref = self.decl.default_action
        return [] if ref is None else self.data_of(ref, self.default_action)

    def data_of(self, ref: ast.ActionRef, action: int) -> list[int]:
        """The words of an action's data given in the program."""
        info = self.unit.program.calls.get(ref)
        given = {arg.param_name: arg.expr for arg in info.args} if info is not None else {}
        out: list[int] = []
        for param in self.data_params(action):
            type_ = self.actions[action].env.type(self.unit.program.declared[param])
            expr = given.get(param.name.text) or param.default
            if expr is None:
                raise refuse(ref.span, f"action {ref.name} needs a value for parameter {param.name}")
            value = evaluate(self.env, expr)
            out += entries.value_words(self.unit, value, type_, expr.span)
        return out

    def data_params(self, action: int) -> list[ast.Parameter]:
        """The parameters that the control plane gives."""
        return [p for p in self.actions[action].decl.params if p.direction == ""]

    def action_infos(self) -> tuple[ActionInfo, ...]:
        infos: list[ActionInfo] = []
        for i, action in enumerate(self.actions):
            params: list[ActionParam] = []
            for param in self.data_params(i):
                type_ = action.env.type(self.unit.program.declared[param])
                if is_aggregate(type_):
                    raise refuse(param.span, "action data must be scalars: give the fields one by one")
                name = join_name("", own_name(param))
                params.append(ActionParam(name, scalar_width(type_) or 0, is_signed(type_)))
            ref = self.refs[i]
            scope = ""
            if ref is None or ref not in self.decl.actions:
                scope = "defaultonly"
            else:
                marks = {annotation.name for annotation in ref.annotations}
                scope = "tableonly" if "tableonly" in marks else "defaultonly" if "defaultonly" in marks else ""
            infos.append(ActionInfo(action.name, i, tuple(params), scope))
        return tuple(infos)

    def info(self) -> TableInfo:
        decl, table = self.decl, self.table
        ordered = [k for k in self.keys if MATCH_KINDS[k.match].matched] + [
            k for k in self.keys if not MATCH_KINDS[k.match].matched
        ]
        return TableInfo(
            name=self.name,
            index=self.index,
            keys=tuple(ordered),
            actions=self.action_infos(),
            size=table.size,
            default_action=self.default_action,
            const_default=decl.default_const,
            const_entries=decl.entries_const and bool(decl.entries),
            direct_counter=table.counters.name if table.counters else "",
            direct_counter_kind=instances.kind_number(table.counters),
            direct_meter=table.meters.name if table.meters else "",
            direct_meter_kind=instances.kind_number(table.meters),
            action_profile=self.unit.numbers[table.implementation] if table.implementation else -1,
            idle_timeout=table.idle_timeout,
        )

    def action_number(self, body: FunctionBody, label: ast.Expr) -> CExpr:
        """The number of the action that a switch label names."""
        number = self.action_index(body.unit.program.refs.get(label))
        if number is None:
            raise refuse(label.span, "this table has no such action")
        return scalars.literal(number, 32)

    def action_index(self, target: ast.Node | None) -> int | None:
        """The number of an action that is declared at `target`."""
        return next((i for i, action in enumerate(self.actions) if action.decl is target), None)

    # ------------------------------------------------------------ code

    def function(self) -> Function:
        if self._function is None:
            self._function = self._make()
        return self._function

    def _make(self) -> Function:
        unit = self.unit
        function = Function(self.c_name, frame=bool(self.frame))
        body = FunctionBody(unit, self.env, function, kind="table", returns=cexpr.constant("0"))
        key = self._emit_key(body)
        selector = self._emit_selector(body)
        body.emit("bool hit;")
        table = pipeline_object("tables", self.index)
        found = cexpr.call("ss_table_lookup", table, key, selector, cexpr.address(cexpr.name("hit")))
        body.emit(f"const ss_entry *entry = {found};")
        self._emit_direct(body, table)
        with body.braces(f"if ({cexpr.unlikely(cexpr.arrow(X, 'trace'))})"):
            body.emit(f"ss_trace_table(x->packet, {table}, {key}, entry, hit);")
        with body.braces("switch (entry->action)"):
            self._emit_actions(body, function)
        body.emit("return entry->action << 1 | hit;")
        head = f"uint32_t {self.c_name}(struct ss_x *x, {self.frame} *f)"
        unit.add_function(head, body.lines, source_comment(self.decl.span))
        return function

    def _emit_actions(self, body: FunctionBody, function: Function) -> None:
        """One case for each action; of one application one is run, so that the most expensive one counts."""
        before, most = function.calls, 0
        with bounds.making(self.unit, function, f"table {self.name}", self.decl.span):
            for i in range(len(self.actions)):
                with body.braces(f"case {i}:"):
                    self._emit_action(body, i)
                    body.emit("break;")
                most, function.calls = max(most, function.calls), before
            function.calls = most

    def _key_values(self, body: FunctionBody) -> list[Value]:
        exprs = [key.expr for key in self.decl.keys or []]
        values = rvalues.rvalues(body, exprs, self.key_types)
        return [body.keep(value) if (scalar_width(value.type) or 0) > 64 else value for value in values]

    def _emit_key(self, body: FunctionBody) -> CExpr:
        """The key array of lookup; selector keys are only hashed."""
        self._values = self._key_values(body)
        words: list[CExpr] = []
        for field, value in zip(self.keys, self._values, strict=True):
            if MATCH_KINDS[field.match].matched:
                words += scalars.words_of(value.c, field.width)
        if not words:
            return cexpr.NULL
        body.emit(f"const uint64_t key[] = {{{', '.join(map(str, words))}}};")
        return cexpr.name("key")

    def _emit_selector(self, body: FunctionBody) -> CExpr:
        """The hash of the selector keys, 0 without."""
        profile = self.table.implementation
        chosen = [(f, v) for f, v in zip(self.keys, self._values, strict=True) if not MATCH_KINDS[f.match].matched]
        if profile is None or profile.kind != "action_selector" or not chosen:
            return cexpr.constant("0")
        bits = sum(f.width for f, _ in chosen)
        size = -(-bits // 8)
        data = cexpr.name("bytes")
        writer = Writer(data)
        for field, value in chosen:
            writer.scalar(value.c, field.width)
        writer.flush()
        body.emit(f"uint8_t bytes[{size + 8}] = {{0}};")
        for line in writer.lines:
            body.emit(line)
        algorithm = hash_name(profile.arguments.get("algorithm"))
        width = profile.arguments.get("outputWidth")
        mask = cexpr.call("ss_mask64", width if isinstance(width, int) else 64)
        return cexpr.binary("&", hash_call(algorithm, data, size), mask)

    def _emit_direct(self, body: FunctionBody, table: CExpr) -> None:
        if self.table.counters is not None:
            body.emit(f"ss_table_count({table}, entry, x->packet->length);")
        if self.table.meters is not None:
            body.emit(f"uint32_t color = ss_table_meter({table}, entry, x->packet->length);")
            body.emit("x->metered = color != SS_NOT_METERED;")
            body.emit("if (x->metered)")
            body.emit("    x->color = color;")

    def _emit_action(self, body: FunctionBody, index: int) -> None:
        """Calls one action with its bound arguments and the entry's data."""
        action, ref = self.actions[index], self.refs[index]
        function = action.function()
        info = self.unit.program.calls.get(ref) if ref is not None else None
        bound = {arg.param_name: arg for arg in info.args} if info is not None else {}
        directed = [p for p in function.params if p.direction and p.mode != "none"]
        missing = [p for p in directed if p.name not in bound]
        if missing:
            where = ref if ref is not None else self.decl
            raise refuse(where.span, f"action {action.decl.name} needs an argument for parameter {missing[0].name}")
        args = [bound[p.name] for p in directed]
        passed = arguments.pass_arguments(body, args, directed, action.env, by_reference=False)
        given, data = iter(passed.arguments), cexpr.arrow(cexpr.name("entry"), "data")
        all_arguments: list[CExpr] = []
        word = 0
        for param in function.params:
            if param.direction:
                all_arguments.append(next(given))
                continue
            width = scalar_width(param.type)
            if width is None:
                raise refuse(action.decl.span, "action data must be scalars: give the fields one by one")
            value = scalars.from_words(data, word, width)
            is_bool = isinstance(strip(param.type), BoolType)
            all_arguments.append(cexpr.binary("!=", value, 0) if is_bool else value)
            word += max(1, scalars.limbs(width))
        body.emit(f"{cexpr.call(function.c_name, *function.context(), *all_arguments)};")
        passed.finish()
        calls.after_call(body, function)
