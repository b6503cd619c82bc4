"""Heap of the core profile on 32-bit MicroPython: what lives after start-up with 16 modules.

The image as it ships (.mpy, -O2, bundled, calls written out, names and lines shortened), the whole
application of bess/app.py with every object and task: 16 modules on one RS-485 bus, SunSpec
inverter, photovoltaics and meter over TCP, Modbus server, console. Chip and site are the stubs in
chip32/ on virtual time; they are loaded before the first reading, so that their bytes are not in
the figure. Garbage goes only between two calls, so each reading is taken in a later call than the
work before it.
"""

import ast
import json

from tools import build, wasm32
from tools.bundle import bundle
from tools.fold import module_name
from tools.lines import thin
from tools.shorten import shorten

STUBS = build.ROOT / "tools" / "bench" / "chip32"
MODULES = 16
TICKS = 100
BYTES_MAX = 109_400         # what CI lets pass, with the virtual board's pins: 108 720 and some

_BEGIN = ("""import gc, sys, json, errno, struct, array, binascii, select, os
import machine, socket, asyncio, time, peers
from asyncio import core
peers.rtu(b"\\1\\3\\0\\0\\0\\1\\0\\0"); peers.tcp(peers.PCS, bytes(12))
R = [0] * 120
def go(ms):
    core.go_on(time.now_ms + ms)
""", "go(0)", "gc.collect()")
_START = """
from bess import app
run = app.make()
del app
try:
    run()
except asyncio.Away:
    del run
"""
# M: the power manager, for whoever wants to call it.
_REACH = """
from bess import app
def reach(make):
    def made(settings):
        global M
        M = make(settings)
        return M
    return made
app.PowerManager = reach(app.PowerManager)
del reach
"""
_START_S = 20
_GAPS = (16, 1600, 5000)
# What a configuration and people can ask for, one by one and all at once. Loaded when asked for.
PARTS = (
    # what, changes of the configuration, calls; each beside the default
    ("calls of a person or a program", {}, ("M.acknowledge() == M.set_authority(0)",)),
    ("a charge or a discharge", {}, ("assert M.start_discharging(3000, 0) == 0",)),
    ("the schedule, 16 entries", {"zone": "CET-1CEST,M3.5.0,M10.5.0/3"},
     ("for n in range(16): assert M.add_schedule((1, 7, n, 0, 1, -2000, 60, 1)) == n",)),
    ("a callback", {}, ("assert M.register_callback(-1, len) == 0",)),
    ("an island", {"grid_connection": 1, "backup_output": 1, "pcs_forms_grid": 1}, ()),
    ("curves of frequency and voltage",
     {"frequency_watt": "en50549", "volt_watt": "ieee1547", "volt_var": "vde4105"}, ()),
)
EVERYTHING = {"frequency_watt": "en50549", "volt_watt": "ieee1547", "volt_var": "vde4105",
              "grid_connection": 1, "backup_output": 1, "pcs_forms_grid": 1,
              "zone": "CET-1CEST,M3.5.0,M10.5.0/3"}
ASKED = (
    "assert M.register_callback(-1, len) == 0",
    "for n in range(16): assert M.add_schedule((1, 7, n, 0, 1, -2000, 60, 1)) == n",
    "assert M.set_charge_params(2) == M.set_discharge_params(5000) == 0",
    "assert M.start_discharging(3000, 0) == 0",
    "go(5000)", "assert M.start_charging(0) == 0",
)
_SAY = """
print(json.dumps([R[:2], [m for m in sys.modules if m.startswith("bess")], peers.COUNT]))
"""


def configuration(**changes):
    """The virtual board's configuration with 16 modules on its bus, and changes to it."""
    data = json.loads((build.BOARDS / "virtual" / "config.json").read_text())
    bus = next(link for link in data["links"] if link["kind"] == "rtu")
    bus["devices"] = [{"kind": "bess_module", "unit": n, "module": n}
                      for n in range(1, MODULES + 1)]
    data.update(strings_p=MODULES, modules_s=1, console=1, modbus_port=5020)
    data.update(changes)
    return json.dumps(data).encode()


def files(content=None, **changes):
    """What the interpreter finds: stubs, image, board, and a configuration with changes."""
    content = build.image("virtual") if content is None else content
    found = {path[:-3] + ".mpy": build.compile_module(file.read_text(), file.name)
             for path, file in wasm32.tree(STUBS).items()}
    for path, data in content.items():
        found[("/lib/" if path.startswith("bess/") else "/") + path] = data
    found["/config.json"] = configuration(**changes)
    return found


def live(found, asked=()):
    """(bytes, modules loaded) after the run; raises Failed when the controller moved nothing.

    asked: calls of the power manager M, made when it runs. The collector keeps whatever a number
    in memory happens to point at, and here addresses are as small as numbers are: the least of
    three runs, whose heaps begin at different places, is what lives.
    """
    return min([_live(found, asked, gap) for gap in _GAPS])


def _live(found, asked, gap):
    # no new names here or in the stubs: they would count as ours
    run = [f"go({1000 if later else 900})" for later in range(_START_S)]
    start = _REACH + _START if asked else _START
    calls = [f"ms = bytearray({gap})", *_BEGIN, "R[0] = gc.mem_alloc()", start, *run, *asked,
             f"go({100 * TICKS})", "gc.collect()", "R[1] = gc.mem_alloc()", _SAY]
    marks, loaded, plant = json.loads(wasm32.run32(calls, found).splitlines()[-1])
    polls, power_w, changes = plant
    if changes < TICKS // 4:
        raise wasm32.Failed(f"{polls} polls, {changes} changes of power: it did not run")
    return marks[1] - marks[0], loaded


def measure():
    """{"total", "modules": [(name, bytes)], "rest"}: bytes of heap, in the order of loading.

    modules: what each would take as a file of its own; rest: objects and tasks, less what the
    bundle and the calls written out save, and what is forgotten after the start.
    """
    total, loaded = live(files())
    texts = build.processed(build.sources("virtual"))
    joined = {module_name(path) for path in bundle(texts)[1]}
    single = {path[:-3] + ".mpy": thin(build.compile_module(text, path))[0]
              for path, text in shorten(texts, stay=("make",)).items()}
    modules = by_module(in_order({*loaded, *joined}), files(single))
    return {"total": total, "modules": modules,
            "rest": total - sum(size for _, size in modules)}


def in_order(names):
    """The modules so that each stands behind those it imports."""
    done = []

    def visit(name):
        if name in names and name not in done:
            path = build.FIRMWARE / (name.replace(".", "/") + ".py")
            tree = ast.parse(path.read_text()) if path.is_file() else ast.Module([], [])
            for node in tree.body:
                if isinstance(node, ast.ImportFrom):
                    visit(node.module)
                    for alias in node.names:
                        visit(f"{node.module}.{alias.name}")
            done.append(name)

    for name in sorted(names):
        visit(name)
    return [name for name in done if (build.FIRMWARE / (name.replace(".", "/") + ".py")).is_file()]


def by_module(names, found):
    """[(name, bytes it takes to import it after those before it)]."""
    calls = [*_BEGIN, "R[0] = gc.mem_alloc()"]
    for i, name in enumerate(names):
        calls += [f"import {name}", "gc.collect()", f"R[{i + 1}] = gc.mem_alloc()"]
    marks = json.loads(wasm32.run32([*calls, "print(R)"], found).splitlines()[-1])
    return [(name, marks[i + 1] - marks[i]) for i, name in enumerate(names)]


def main():
    figures = measure()
    for name, size in figures["modules"]:
        print(f"{name:34} {size:7}")
    print(f"{'objects, less bundled, forgotten':34} {figures['rest']:7}")
    print(f"{'in all':34} {figures['total']:7}")
    print("above that, when it is asked for:")
    for what, changes, asked in PARTS:
        print(f"{what:34} {live(files(**changes), asked)[0] - figures['total']:7}")
    print(f"{'everything, in all':34} {live(files(**EVERYTHING), ASKED)[0]:7}")


if __name__ == "__main__":
    main()
