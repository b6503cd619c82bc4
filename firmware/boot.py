"""Outputs to their safe level, before anything else can fail. Nothing more."""

import json

from machine import Pin

_OUTPUTS = ("negative_coil", "precharge_coil", "positive_coil", "trip", "lamp")

with open("/board.json") as _file:
    _pins = json.load(_file)["pins"]
for _name in _OUTPUTS:
    if _name in _pins:
        Pin(_pins[_name]["gpio"], Pin.OUT, value=1 - _pins[_name].get("active", 1))
