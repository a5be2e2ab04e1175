"""The interpreter: a Python file, read statement by statement onto a tape.

It evaluates partially and executes nothing: each kind of statement and expression has a method
here that knows what Python would make of it, and every function that is called is either one of
the file, which is read in its turn, or a row of our own tables.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from gradcli.python.interpreter.definitions import Definitions
from gradcli.python.interpreter.expressions import Expressions
from gradcli.python.interpreter.functions import Functions
from gradcli.python.interpreter.imports import Imports
from gradcli.python.interpreter.statements import Statements

STATEMENTS: dict[type, Callable[..., None]] = {
    ast.Expr: Statements._s_expr,
    ast.Assign: Statements._s_assign,
    ast.AnnAssign: Statements._s_annassign,
    ast.AugAssign: Statements._s_augassign,
    ast.If: Statements._s_if,
    ast.For: Statements._s_for,
    ast.While: Statements._s_while,
    ast.Break: Statements._s_break,
    ast.Continue: Statements._s_continue,
    ast.Pass: Statements._s_pass,
    ast.Assert: Statements._s_assert,
    ast.Raise: Statements._s_raise,
    ast.Delete: Statements._s_delete,
    ast.Global: Statements._s_global,
    ast.Nonlocal: Statements._s_nonlocal,
    ast.Try: Statements._s_try,
    ast.With: Statements._s_with,
    ast.Match: Statements._s_match,
    ast.FunctionDef: Definitions._s_functiondef,
    ast.ClassDef: Definitions._s_classdef,
    ast.Import: Imports._s_import,
    ast.ImportFrom: Imports._s_importfrom,
    ast.Return: Functions._s_return,
}
EXPRESSIONS: dict[type, Callable[..., Any]] = {
    ast.Constant: Expressions._e_constant,
    ast.Name: Expressions._e_name,
    ast.Tuple: Expressions._e_tuple,
    ast.List: Expressions._e_list,
    ast.Set: Expressions._e_set,
    ast.Dict: Expressions._e_dict,
    ast.JoinedStr: Expressions._e_joinedstr,
    ast.FormattedValue: Expressions._e_formattedvalue,
    ast.Starred: Expressions._e_starred,
    ast.Yield: Expressions._e_yield,
    ast.YieldFrom: Expressions._e_yield,
    ast.NamedExpr: Expressions._e_namedexpr,
    ast.UnaryOp: Expressions._e_unaryop,
    ast.BinOp: Expressions._e_binop,
    ast.BoolOp: Expressions._e_boolop,
    ast.Compare: Expressions._e_compare,
    ast.IfExp: Expressions._e_ifexp,
    ast.Lambda: Expressions._e_lambda,
    ast.ListComp: Expressions._e_listcomp,
    ast.SetComp: Expressions._e_setcomp,
    ast.DictComp: Expressions._e_dictcomp,
    ast.Slice: Expressions._e_slice,
    ast.Subscript: Expressions._e_subscript,
    ast.Attribute: Expressions._e_attribute,
    ast.GeneratorExp: Expressions._e_listcomp,
    ast.Call: Expressions._e_call,
}


class Interpreter(Definitions, Imports):
    """Reads the statements of a file; its state is what Python's would be, and the tape."""

    statements = STATEMENTS
    expressions = EXPRESSIONS
