"""Times PowerManager.step: prints one JSON object. Arguments: modules, fresh, ticks, and `all`
(everything enabled) or `trip` (everything, and a trip is present).
"""

import gc
import json
import sys
import time

import micropython
from plant import Plant


def reference():
    """The loop that a tick is compared with: integer adds, a multiply and a mask."""
    x = 0
    for i in range(1000):
        x = (x * 5 + i) & 0xFFFF
    return x


def timed(function):
    begin_us = time.ticks_us()
    function()
    return time.ticks_diff(time.ticks_us(), begin_us)


def main(modules, fresh, ticks, kind=""):
    plant = Plant(modules, fresh, kind != "")
    for _ in range(100):
        plant.step()
    manager = plant.manager
    plant.fault = kind == "trip"
    spent, loops = [], []
    allocated = 0
    gc.disable()
    for k in range(ticks):
        plant.prepare()
        now_ms = plant.now_ms
        if k % 100 == 0:
            gc.collect()
        before = gc.mem_alloc()
        micropython.heap_lock()
        begin_us = time.ticks_us()
        manager.step(now_ms)
        end_us = time.ticks_us()
        micropython.heap_unlock()
        allocated += gc.mem_alloc() - before
        spent.append(time.ticks_diff(end_us, begin_us))
        if k % 4 == 0:
            loops.append(timed(reference))
    spent.sort()
    loops.sort()
    print(json.dumps([spent[len(spent) // 2], spent[len(spent) * 99 // 100],
                      loops[len(loops) // 2], allocated, manager.mode, manager.trips.present]))


main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
