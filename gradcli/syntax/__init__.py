"""The language: text in, statements out, one at a time.

    program    = { statement ( NEWLINE | ";" ) }
    statement  = import-line
               | target "=" expr | target "+=" expr | NAME "=" "@" PATH
               | NAME "," NAME { "," NAME } "=" NAME ".shape"
               | NAME "==" expr
               | expr
    target     = NAME | NAME "[" index { "," index } "]"
    expr       = comparison [ "if" comparison "else" expr ]
    comparison = sum [ ("<" | "<=" | ">" | ">=" | "==" | "!=") sum ]
    sum        = term { ("+" | "-") term }
    term       = unary { ("*" | "/" | "@") unary }
    unary      = ("-" | "+" | "√") unary | power
    power      = postfix [ ("**" | "^") unary ]
    postfix    = atom { "(" [ arg { "," arg } ] ")" | "[" index { "," index } "]"
                      | ".T" | ".shape" | ".size" | "." METHOD "(" [ arg { "," arg } ] ")" }
    arg        = [ "*" ] expr | NAME "=" expr | TEXT | NAME "=" TEXT
    atom       = NUMBER | NAME | "(" expr ")" | "(" expr "," [ expr { "," expr } ] ")"
               | "[" [ expr { "," expr } ] "]"
    index      = expr | [ expr ] ":" [ expr ]
    TEXT       = a text in quotes: the subscripts of einsum, the order of a norm, a path
    PATH       = what stands up to the end of the statement: a file of numbers

`tokens` cuts the text, `parser` reads one statement after the other and `expressions` what each
computes, `tree` is that as a flat list in postorder and writes it back as text. Nothing here
recurses and nothing is guessed: what is not in the grammar is an error that shows what to write
instead.
"""

from gradcli.syntax.expressions import RESERVED
from gradcli.syntax.parser import Statement, parse_expression, statements
from gradcli.syntax.tree import Call, Tree, spell, write

__all__ = [
    "RESERVED",
    "Call",
    "Statement",
    "Tree",
    "parse_expression",
    "spell",
    "statements",
    "write",
]
