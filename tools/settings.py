"""Gives the settings short names on the device, beside every other attribute of the program.

Their keys are text: config.json has them, and the table FIELDS of core/config.py. In the sources
`Settings` makes an attribute of each key by its text, so each name would have to stay and to
stand in the chip's RAM. `settle()` writes that loop out as one assignment a key, which
`tools/shorten.py` renames like any other; the keys themselves are gone with the start.
"""

import ast

from tools.fold import apply
from tools.names import Module

TABLE, CLASS, METHOD = "FIELDS", "Settings", "__init__"
# What reads settings by the text of their keys does it in the dict of their values.
BY_VALUE = ("bess.core.config", "bess.core.checks", "bess.core.checks_wiring")


def settle(sources):
    """(texts with the assignments written out, the keys whose attributes may be renamed)."""
    modules = [Module(*item) for item in sources.items()]
    for module in modules:
        loop = _loop(module.tree)
        if loop is not None:
            keys = _keys(module.tree)
            stores = "; ".join(f"self.{key} = v[{at}]" for at, key in enumerate(keys))
            text = f"v = [values[row[0]] for row in {TABLE}]; {stores}"
            text += "\n" * (loop.end_lineno - loop.lineno)
            others = (other.texts for other in modules if other.name not in BY_VALUE)
            return ({**sources, module.path: apply(module.text, [(loop, text)])},
                    set(keys).difference(*others))
    return dict(sources), set()


def _loop(tree):
    """`for key in values: setattr(self, key, values[key])`, None where there is none."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name == CLASS:
            for part in node.body:
                if isinstance(part, ast.FunctionDef) and part.name == METHOD:
                    return next(found for found in part.body if isinstance(found, ast.For))
    return None


def _keys(tree):
    """The first cell of each row of the table."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) == TABLE:
            return [row.elts[0].value for row in node.value.elts]
    raise ValueError(f"{CLASS}.{METHOD} without a table {TABLE}")
