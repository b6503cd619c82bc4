"""Settings get short names on the device, and keep their keys."""

import ast

from tools import build
from tools.fold import literals
from tools.settings import settle
from tools.shorten import shorten

CONFIG = '''FIELDS = (
    ("w_rated", "int", 1),
    ("zone", "str", 2),
)
class Settings:
    def __init__(self, values):
        for key in values:
            setattr(self, key, values[key])
'''
USER = "def _f(settings):\n    return settings.w_rated, settings.zone\n"


def test_the_attributes_change_and_the_keys_stay():
    texts, keys = settle({"bess/core/config.py": CONFIG, "bess/core/user.py": USER})
    assert keys == {"w_rated", "zone"}
    short = shorten(texts, free=keys)
    config, user = {}, {}
    exec(short["bess/core/config.py"], config)
    exec(short["bess/core/user.py"], user)
    cls = next(value for value in config.values() if isinstance(value, type))
    settings = cls({"zone": "UTC0", "w_rated": 5000})
    assert not {"w_rated", "zone"}.intersection(vars(settings)), "renamed"
    function = next(value for name, value in user.items() if callable(value))
    assert function(settings) == (5000, "UTC0")
    assert len(short["bess/core/config.py"].split("\n")) == len(CONFIG.split("\n"))


def test_a_key_that_another_text_spells_stays():
    texts, keys = settle({"bess/core/config.py": CONFIG, "bess/core/user.py":
                          "def f(settings):\n    return getattr(settings, 'zone')\n"})
    assert keys == {"w_rated"}
    assert "zone" in shorten(texts, free=keys)["bess/core/config.py"].split("UTC")[0]


def test_without_settings_nothing_changes():
    assert settle({"bess/core/user.py": USER}) == ({"bess/core/user.py": USER}, set())


def test_every_setting_of_the_firmware_is_written_out():
    texts, keys = settle(build.processed(build.sources("virtual")))
    tree = ast.parse(texts["bess/core/config.py"])
    stored = {node.attr for node in ast.walk(tree)
              if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)}
    assert keys <= stored and {"w_rated", "zone", "name"} <= stored and len(keys) > 60


def test_bytes_of_constants_become_a_literal():
    text = "_A = const(3)\nX = bytes((1, _A,\n    _A | 4))\nY = bytes((f(), 1))\n"
    done = literals(text)
    assert "bytes((f(), 1))" in done and len(done.split("\n")) == len(text.split("\n"))
    names = {"const": int, "f": lambda: 2}
    exec(done, names)
    assert names["X"] == bytes((1, 3, 7)) and "bytes((1" not in done
