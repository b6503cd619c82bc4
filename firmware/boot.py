"""Outputs to their safe level, before anything else can fail. Nothing more."""

import json

from machine import Pin

_OUTPUTS = ("k_minus", "precharge", "k_plus", "trip", "lamp")

with open("/board.json") as _file:
    _pins = json.load(_file)["pins"]
for _name in _OUTPUTS:
    if _name in _pins:
        Pin(_pins[_name], Pin.OUT, value=0)
