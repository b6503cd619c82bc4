"""The sentences of docs/registers.md; tools/registers.py writes it."""

HEAD = """# Modbus registers

Written by `python -m tools.registers` from `points.tsv` and `events.tsv` in `firmware/bess`;
do not edit.

Holding (FC 3) and input registers (FC 4) show the same map, as unit 1. Addresses are wire
addresses, counted from 0. 32-bit values take two registers, high word first; one request is one
moment. Unknown reads 65535 (u16, e16), 32768 (i16), 4294967295 (u32) and 2147483648 (i32). Gaps
inside a block read 0; a read beyond a block is exception 2. Power is positive for what feeds the
site's AC bus: discharging and importing; charging and exporting are negative.

Discrete inputs (FC 2) show the bits of INPUTS, OUTPUTS, CAUSES and TRIPS, 16 each from 0; coil 0
(FC 1, 5, 15) is START.

40000 holds 'SunS', the SunSpec common model (1) and the end marker; the native map starts at 0.
The site block is there once more for each pack, from 10000 + 200 x (number of the pack - 1).
Writes (FC 6 and 16; a 32-bit value only as a whole) are permitted as `modbus_write` in the
configuration says: `none` (default on real boards), `loopback` or `any`; else exception 1. A write
is taken whole or not at all: 2 not writable, 3 out of range, looser than the configuration or a
direction that a setting forbids, 4 the state forbids it. A refused call is an event, too.

The subjects from 300 on are loaded when one of them is first read or written, which takes the
controller a moment. Each can be read with one request; so can the window with its reasons, 6 to
11.
"""

TITLES = {"site": "Site (read)", "control": "Control (write)", "module": "Modules",
          "link": "Links", "event": "Events, newest first", "operate": "Operation",
          "reset": "Reset of an emergency from afar", "charge": "Charge parameters",
          "discharge": "Discharge parameters", "schedule": "Schedule as a whole",
          "maintenance": "Maintenance", "calibration": "Calibration", "alarms": "Alarms in all",
          "entry": "Schedule entries", "alarm": "Alarm list"}
WHOLE = """\
Taken whole: write the block with FC 16, its last register with 1, in one request; or write its
registers in any order and its last register with 1 at the end. What was written so and not taken
within 60 s, or when another set is written, is forgotten.
"""
NOTES = {
    "operate": """\
Each write is one call of the power manager, so none belongs into a cyclic exchange. `LOCAL`
refuses every write from 300 on but STANDBY and EMERGENCY, and every start; in MAINTENANCE, which
only people at the cabinet enter and leave, nothing that moves power is taken.
""",
    "reset": """\
Where the configuration says `remote_reset` 1, and never for the causes INPUT, CONTACTOR,
INSULATION and FIRE: read the number and write it back within 60 s. Everybody's next read makes a
new number.
""",
    "charge": WHOLE, "discharge": WHOLE,
    "entry": """\
An entry is taken whole, as the parameters are; its last register says what shall be done with it.
REMOVE, ENABLE and DISABLE concern the entry as it is in force. TAKE on a free entry uses it.
""",
    "alarm": """\
The rows that are in use, without gaps: what is active, and what was and nobody has
acknowledged.
""",
}
EVENTS_HEAD = """## What events say

Numbers are fixed. Each event has one signed number of data.
"""
