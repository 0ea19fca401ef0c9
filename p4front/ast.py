"""The P4_16 syntax tree. Nodes compare by identity; facts about them (types, referents) live in `program.Program`.

Node names follow the grammar of the P4_16 specification (appendix G). Every node has a `span`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields

from p4front.source import Span


@dataclass(eq=False, slots=True)
class Node:
    span: Span

    def children(self) -> Iterator[Node]:
        """Direct child nodes in source order."""
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, Node):
                yield value
            elif isinstance(value, list):
                yield from (item for item in value if isinstance(item, Node))

    def walk(self) -> Iterator[Node]:
        """This node and all below it, in source order."""
        pending: list[Node] = [self]
        while pending:
            node = pending.pop()
            yield node
            pending.extend(reversed(list(node.children())))


# ---------------------------------------------------------------- names and annotations


@dataclass(eq=False, slots=True)
class Name(Node):
    """A declared or used identifier with its place."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(eq=False, slots=True)
class KeyValue(Node):
    key: Name
    value: Expr


@dataclass(eq=False, slots=True)
class Annotation(Node):
    """`@name`, `@name(body)` or `@name[...]`. Exactly one form of the body is filled: `tokens` holds the raw text of an
    unstructured body; `exprs`/`pairs` hold it parsed where it parses as an expression or key-value list."""

    name: str
    tokens: list[str] = field(default_factory=list)
    exprs: list[Expr] = field(default_factory=list)
    pairs: list[KeyValue] = field(default_factory=list)
    structured: bool = False
    raw: str = ""  # source text between the brackets


# ---------------------------------------------------------------- types as written


@dataclass(eq=False, slots=True)
class TypeRef(Node):
    """Base of everything that may stand where a type is written."""


@dataclass(eq=False, slots=True)
class BaseType(TypeRef):
    """bool, error, match_kind, string, void, int (arbitrary precision), bit<W>, int<W>, varbit<W>.

    `name` is one of "bool" "error" "match_kind" "string" "void" "integer" "bit" "int" "varbit"; `width` is the written
    width expression (None for a bare `bit`, which means 1)."""

    name: str
    width: Expr | None = None


@dataclass(eq=False, slots=True)
class NamedType(TypeRef):
    """A type name; `absolute` for a leading dot."""

    name: Name
    absolute: bool = False


@dataclass(eq=False, slots=True)
class SpecializedType(TypeRef):
    base: NamedType
    args: list[TypeRef]


@dataclass(eq=False, slots=True)
class StackType(TypeRef):
    """`H[n]`"""

    element: TypeRef
    size: Expr


@dataclass(eq=False, slots=True)
class TupleType(TypeRef):
    args: list[TypeRef]


@dataclass(eq=False, slots=True)
class ListType(TypeRef):
    """`list<T>`"""

    element: TypeRef


@dataclass(eq=False, slots=True)
class DontCareType(TypeRef):
    """`_` as a type argument"""


# ---------------------------------------------------------------- expressions


@dataclass(eq=False, slots=True)
class Expr(Node):
    """Base of all expressions."""


@dataclass(eq=False, slots=True)
class IntLiteral(Expr):
    """`42`, `8w0xFF`, `4s7`. `width` None: arbitrary precision."""

    value: int
    width: int | None = None
    signed: bool = False
    base: int = 10


@dataclass(eq=False, slots=True)
class BoolLiteral(Expr):
    value: bool


@dataclass(eq=False, slots=True)
class StringLiteral(Expr):
    """`value` is the text between the quotes as written: a backslash before `"` or `\\` is still there."""

    value: str


@dataclass(eq=False, slots=True)
class PathExpr(Expr):
    """A variable, parameter, constant, instance, action, function, `this`; `.name` if `absolute`."""

    name: Name
    absolute: bool = False


@dataclass(eq=False, slots=True)
class TypeNameExpr(Expr):
    """A type used as an expression: `error.NoError`, `Enum.member`, `Header.minSizeInBits()`."""

    type: TypeRef


@dataclass(eq=False, slots=True)
class Member(Expr):
    """`base.member`; also for table/parser/control `.apply`, extern methods, stack `.next`, ..."""

    base: Expr
    member: Name


@dataclass(eq=False, slots=True)
class Index(Expr):
    """`base[index]` on a stack or tuple"""

    base: Expr
    index: Expr


@dataclass(eq=False, slots=True)
class Slice(Expr):
    """`base[hi:lo]`"""

    base: Expr
    hi: Expr
    lo: Expr


@dataclass(eq=False, slots=True)
class PlusSlice(Expr):
    """`base[low +: width]`: `width` (a compile-time constant) bits from bit `low` on, which may be computed."""

    base: Expr
    low: Expr
    width: Expr


@dataclass(eq=False, slots=True)
class Unary(Expr):
    """op in `!` `~` `-` `+`"""

    op: str
    operand: Expr


@dataclass(eq=False, slots=True)
class Binary(Expr):
    """op in `* / % + - |+| |-| << >> <= >= < > == != & ^ | ++ && ||`, and in sets `&&&` (mask) and `..` (range)."""

    op: str
    left: Expr
    right: Expr


@dataclass(eq=False, slots=True)
class Ternary(Expr):
    """`cond ? then : otherwise`"""

    cond: Expr
    then: Expr
    otherwise: Expr


@dataclass(eq=False, slots=True)
class Cast(Expr):
    """`(type) operand`"""

    type: TypeRef
    operand: Expr


@dataclass(eq=False, slots=True)
class Argument(Node):
    """A call's argument: `expr`, `name = expr`, or `_` (expr is DontCare)."""

    expr: Expr
    name: Name | None = None


@dataclass(eq=False, slots=True)
class Call(Expr):
    """`callee<type_args>(args)`; a constructor call if callee is a TypeNameExpr."""

    callee: Expr
    type_args: list[TypeRef]
    args: list[Argument]


@dataclass(eq=False, slots=True)
class ListExpr(Expr):
    """`{ e1, e2 }` (also a tuple keyset `(a, b)` in select/entries: see KeysetTuple). `has_default`: trailing `...`."""

    items: list[Expr]
    has_default: bool = False


@dataclass(eq=False, slots=True)
class StructExpr(Expr):
    """`{ f = e, ... }`"""

    fields: list[KeyValue]
    has_default: bool = False


@dataclass(eq=False, slots=True)
class InvalidExpr(Expr):
    """`{#}`: an invalid header or header union"""


@dataclass(eq=False, slots=True)
class DefaultExpr(Expr):
    """`default` as a keyset, or `...` as an initialiser"""


@dataclass(eq=False, slots=True)
class DontCare(Expr):
    """`_` as a keyset or an argument"""


@dataclass(eq=False, slots=True)
class KeysetTuple(Expr):
    """`(k1, k2, ...)` in a select case or a table entry"""

    items: list[Expr]


# ---------------------------------------------------------------- declarations


@dataclass(eq=False, slots=True)
class Declaration(Node):
    """Base of everything that introduces a name."""

    name: Name
    annotations: list[Annotation] = field(default_factory=list, kw_only=True)

    def annotation(self, name: str) -> Annotation | None:
        return next((a for a in self.annotations if a.name == name), None)


@dataclass(eq=False, slots=True)
class TypeParameter(Declaration):
    """`T` in `<T, U>`"""


@dataclass(eq=False, slots=True)
class Parameter(Declaration):
    """direction "" (none), "in", "out", "inout"."""

    direction: str
    type: TypeRef
    default: Expr | None = None


@dataclass(eq=False, slots=True)
class ConstantDecl(Declaration):
    type: TypeRef
    value: Expr


@dataclass(eq=False, slots=True)
class VariableDecl(Declaration):
    """Statement or declaration `T x = e;`"""

    type: TypeRef
    init: Expr | None = None


@dataclass(eq=False, slots=True)
class Instantiation(Declaration):
    """`T<..>(args) name = { initialiser };` Also the package `main`."""

    type: TypeRef
    args: list[Argument]
    initializer: BlockStatement | None = None


@dataclass(eq=False, slots=True)
class StructField(Declaration):
    type: TypeRef


@dataclass(eq=False, slots=True)
class StructDecl(Declaration):
    """struct, header or header_union, told apart by `kind`."""

    kind: str  # "struct" | "header" | "header_union"
    type_params: list[TypeParameter]
    fields: list[StructField]


@dataclass(eq=False, slots=True)
class EnumMember(Declaration):
    value: Expr | None = None


@dataclass(eq=False, slots=True)
class EnumDecl(Declaration):
    """`underlying` is set for a serialisable enum."""

    underlying: TypeRef | None
    members: list[EnumMember]


@dataclass(eq=False, slots=True)
class ErrorDecl(Declaration):
    """`error { A, B }`; all of a program add up. `name` is "error"."""

    members: list[EnumMember]


@dataclass(eq=False, slots=True)
class MatchKindDecl(Declaration):
    members: list[EnumMember]


@dataclass(eq=False, slots=True)
class TypedefDecl(Declaration):
    """`typedef T name;` or, with `new_type`, `type T name;`. `target` may be an inline struct in old code."""

    target: TypeRef | StructDecl | EnumDecl
    new_type: bool = False


@dataclass(eq=False, slots=True)
class MethodDecl(Declaration):
    """A prototype of an extern (or an extern function), or a function of an abstract method's initialiser."""

    return_type: TypeRef | None  # None for a constructor
    type_params: list[TypeParameter]
    params: list[Parameter]
    abstract: bool = False


@dataclass(eq=False, slots=True)
class ExternDecl(Declaration):
    """`extern Obj<T> { constructor and methods }`"""

    type_params: list[TypeParameter]
    methods: list[MethodDecl]


@dataclass(eq=False, slots=True)
class ExternFunctionDecl(Declaration):
    """`extern R name<T>(params);`"""

    return_type: TypeRef
    type_params: list[TypeParameter]
    params: list[Parameter]


@dataclass(eq=False, slots=True)
class FunctionDecl(Declaration):
    return_type: TypeRef
    type_params: list[TypeParameter]
    params: list[Parameter]
    body: BlockStatement


@dataclass(eq=False, slots=True)
class ActionDecl(Declaration):
    params: list[Parameter]
    body: BlockStatement


@dataclass(eq=False, slots=True)
class PackageDecl(Declaration):
    type_params: list[TypeParameter]
    params: list[Parameter]


@dataclass(eq=False, slots=True)
class ParserTypeDecl(Declaration):
    """`parser P<T>(params);` without a body"""

    type_params: list[TypeParameter]
    params: list[Parameter]


@dataclass(eq=False, slots=True)
class ControlTypeDecl(Declaration):
    type_params: list[TypeParameter]
    params: list[Parameter]


@dataclass(eq=False, slots=True)
class ParserDecl(Declaration):
    type_params: list[TypeParameter]
    params: list[Parameter]
    constructor_params: list[Parameter]
    locals: list[Node]  # ConstantDecl, VariableDecl, Instantiation, ValueSetDecl
    states: list[ParserState]


@dataclass(eq=False, slots=True)
class ControlDecl(Declaration):
    """`apply_` is the body of `apply { }`."""

    type_params: list[TypeParameter]
    params: list[Parameter]
    constructor_params: list[Parameter]
    locals: list[Node]  # ConstantDecl, VariableDecl, Instantiation, ActionDecl, TableDecl, FunctionDecl
    apply_: BlockStatement


@dataclass(eq=False, slots=True)
class ValueSetDecl(Declaration):
    """`value_set<T>(size) name;`"""

    element: TypeRef
    size: Expr


# ---------------------------------------------------------------- parser states


@dataclass(eq=False, slots=True)
class ParserState(Declaration):
    statements: list[Node]
    transition: Transition | None  # None: implicit transition to reject


@dataclass(eq=False, slots=True)
class Transition(Node):
    """`transition target;` (target set) or `transition select(...) {...}` (select set)."""

    target: Name | None
    select: SelectExpr | None = None


@dataclass(eq=False, slots=True)
class SelectExpr(Node):
    keys: list[Expr]
    cases: list[SelectCase]


@dataclass(eq=False, slots=True)
class SelectCase(Node):
    """`keyset: state;` keyset is one Expr, or a KeysetTuple for several keys."""

    keyset: Expr
    target: Name


# ---------------------------------------------------------------- tables


@dataclass(eq=False, slots=True)
class KeyElement(Node):
    expr: Expr
    match_kind: Name
    annotations: list[Annotation]


@dataclass(eq=False, slots=True)
class ActionRef(Node):
    """An action in a table's list, in default_action or in an entry: `a`, `a(x, y)`, `.a`. `args` None: no brackets."""

    name: Name
    absolute: bool
    args: list[Argument] | None
    annotations: list[Annotation]


@dataclass(eq=False, slots=True)
class TableEntry(Node):
    """`const priority = p: (keys) : action(args);`"""

    keyset: Expr  # KeysetTuple or a single keyset
    action: ActionRef
    annotations: list[Annotation]
    const: bool = False
    priority: Expr | None = None


@dataclass(eq=False, slots=True)
class TableProperty(Declaration):
    """Any other property: `size = 1024;`, `counters = c;`, `implementation = action_profile(8);`"""

    value: Expr
    const: bool = False


@dataclass(eq=False, slots=True)
class TableDecl(Declaration):
    keys: list[KeyElement] | None
    actions: list[ActionRef]
    default_action: ActionRef | None
    default_const: bool
    entries: list[TableEntry]
    entries_const: bool
    properties: list[TableProperty]

    def property(self, name: str) -> TableProperty | None:
        return next((p for p in self.properties if p.name.text == name), None)


# ---------------------------------------------------------------- statements


@dataclass(eq=False, slots=True)
class Statement(Node):
    """Base of all statements; a VariableDecl, ConstantDecl or Instantiation may also stand in a block."""


@dataclass(eq=False, slots=True)
class BlockStatement(Statement):
    statements: list[Node]
    annotations: list[Annotation] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class EmptyStatement(Statement):
    pass


@dataclass(eq=False, slots=True)
class Assignment(Statement):
    """`target op value;` op is "=" or a compound such as "+=", "|+|=", "<<="."""

    target: Expr
    op: str
    value: Expr


@dataclass(eq=False, slots=True)
class CallStatement(Statement):
    call: Call


@dataclass(eq=False, slots=True)
class DirectApply(Statement):
    """`C.apply(args);` on a type: instantiates and applies in one statement."""

    type: TypeRef
    args: list[Argument]


@dataclass(eq=False, slots=True)
class If(Statement):
    cond: Expr
    then: Statement
    otherwise: Statement | None


@dataclass(eq=False, slots=True)
class SwitchCase(Node):
    """`label:` with a block, or falling through to the next label (`body` None). Label DefaultExpr for `default`."""

    label: Expr
    body: BlockStatement | None


@dataclass(eq=False, slots=True)
class Switch(Statement):
    subject: Expr
    cases: list[SwitchCase]


@dataclass(eq=False, slots=True)
class Return(Statement):
    value: Expr | None = None


@dataclass(eq=False, slots=True)
class Exit(Statement):
    pass


@dataclass(eq=False, slots=True)
class Break(Statement):
    pass


@dataclass(eq=False, slots=True)
class Continue(Statement):
    pass


@dataclass(eq=False, slots=True)
class For(Statement):
    """`for (init; cond; update) body`; `init` items are VariableDecl or statements, `update` statements."""

    init: list[Node]
    cond: Expr
    update: list[Statement]
    body: Statement
    annotations: list[Annotation] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class ForIn(Statement):
    """`for (T x in collection) body`; collection is a Binary ".." range, a list expression or a stack."""

    variable: VariableDecl | None  # None: `target` names an existing l-value
    target: Expr | None
    collection: Expr
    body: Statement
    annotations: list[Annotation] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class P4Program(Node):
    """A whole translation unit, includes included."""

    declarations: list[Node]


AnyDeclaration = Declaration | Node
