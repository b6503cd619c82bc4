"""Outputs to their safe level, before anything else can fail. Nothing more."""

import json

from machine import Pin

with open("/board.json") as _file:
    for _row in json.load(_file)["pins"].values():
        if "active" in _row and _row["mode"] == "out":
            Pin(_row["gpio"], Pin.OUT, value=1 - _row["active"])
