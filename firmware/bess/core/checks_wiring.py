"""Checks of what hangs on links and pins: meter, polls, inverter, contactors. Start only.

The generators that checks.py lists take the settings and the keys that the person wrote.
"""

from micropython import const

from bess.core.control.grid_rules import BACKUP, ISOLATED, GridRules

# battery modules by kind: reads for one sample, bytes on the wire, period when 0 is given, may be
# series rated (modules that switch their own poles are for parallel use only)
MODULES = {"bess_module": (1, 109, 500, 1), "jk_bms": (3, 183, 1000, 0)}
_OTHERS = {"sunspec_pcs": (2, 150), "sunspec_meter": (1, 123), "sunspec_pv": (1, 117)}

_BYTE_US = const(10_000_000)        # 10 bits, divided by the baud rate
_GAP_MS = const(5)                  # before a request
_ANSWER_MS = const(20)              # a device thinks, the loop wakes
_ROUND_MS_MAX = const(10_000)
_VISITS = const(3)
_VISITS_ALL = const(4)
_REFRESHES = const(4)               # a command is repeated so often in the revert time

_COIL_PINS = ("negative_coil", "precharge_coil", "positive_coil")
_FEEDBACKS = ("negative_feedback", "precharge_feedback", "positive_feedback")
_SITE_INPUTS = ("fire", "insulation", "door", "aux")
_SITE_OUTPUTS = ("trip", "fan", "heater", "shed_1", "shed_2", "alarm_relay", "life")
# GPIOs by chip that are no output, high or pulsing at reset, or read by the chip (data sheets)
_NOT_LOW = {
    "esp32": (0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 34, 35, 36, 37, 38, 39),
    "esp32s3": (0, 3, 18, 19, 20, 26, 27, 28, 29, 30, 31, 32, 43, 44, 45, 46),
    "esp32c3": (2, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21),
}


def devices_of(s, kinds):
    """(link, device) of each device of these kinds."""
    return [(link, device) for link in s.links for device in link["devices"]
            if device["kind"] in kinds]


def needs_meter(s, given):
    if s.links and GridRules(s).needs_meter and not devices_of(s, ("sunspec_meter",)):
        yield ("grid_connection is %d with its flags and caps, wanted: a sunspec_meter on a link"
               % s.grid_connection)


def self_use(s, given):
    if (s.links and s.self_use and s.grid_connection != ISOLATED
            and not devices_of(s, ("sunspec_meter",))):
        yield "self_use is 1, without effect: no sunspec_meter is on a link"


def forms(s):
    return s.grid_connection <= BACKUP or s.backup_output


def forming(s, given):
    if forms(s) and not s.pcs_forms_grid and devices_of(s, ("sunspec_pcs",)):
        yield "pcs_forms_grid is 0, wanted: 1: grid_connection %d, backup_output %d" % (
            s.grid_connection, s.backup_output)


def round_ms(link):
    """Time in which a bus brings one sample of each of its modules, everybody asked in turn."""
    kinds = [device["kind"] for device in link["devices"]]
    turns = max([MODULES[kind][0] for kind in kinds if kind in MODULES])
    total_us = 0
    for kind in kinds:
        reads, size = MODULES[kind][:2] if kind in MODULES else _OTHERS[kind]
        times = 1 if kind in MODULES else turns
        wire_us = size * _BYTE_US // link["baud"] if link["kind"] == "rtu" else 0
        total_us += times * (reads * (_GAP_MS + _ANSWER_MS) * 1000 + wire_us)
    return -(-total_us // 1000)


def _slowest(s):
    """(ms between two visits, module, link) of the module that is visited least often."""
    found = (0, 0, None)
    for link, device in devices_of(s, MODULES):
        period_ms = device["period_ms"] or MODULES[device["kind"]][2]
        visit_ms = max(period_ms, round_ms(link))
        if visit_ms > found[0]:
            found = (visit_ms, device["module"], link)
    return found


def visits(s, given):
    visit_ms, module, link = _slowest(s)
    if visit_ms > _ROUND_MS_MAX:
        yield "module %d on link %s is visited every %d ms, wanted: at most %d" % (
            module, link["name"], visit_ms, _ROUND_MS_MAX)
    elif _VISITS * visit_ms > s.module_silent_ms:
        yield ("module_silent_ms is %d, wanted: at least %d: three polls of %d on link %s, which"
               " needs %d ms for a round" % (s.module_silent_ms, _VISITS * visit_ms, module,
                                             link["name"], round_ms(link)))


def visits_all(s, given):
    visit_ms = _slowest(s)[0]
    if s.fade_after_ms < _VISITS_ALL * visit_ms <= _VISITS_ALL * _ROUND_MS_MAX:
        yield "fade_after_ms is %d, wanted: at least %d: four polls of each module" % (
            s.fade_after_ms, _VISITS_ALL * visit_ms)


def refresh(s, given):
    """Devices keep the revert time in whole seconds. The repetition may have to wait for one
    answer that does not come.
    """
    if s.pcs_revert == "none":
        return
    third_ms = s.pcs_revert_ms // 1000 * 1000 // 3
    for link, device in devices_of(s, ("sunspec_pcs",)):
        refresh_ms = s.pcs_revert_ms // _REFRESHES + link["timeout_ms"]
        if refresh_ms > third_ms:
            yield ("pcs_revert_ms is %d, wanted: a third of it, %d, for a command that is repeated"
                   " after %d: timeout_ms %d of link %s" % (
                       s.pcs_revert_ms, third_ms, refresh_ms, link["timeout_ms"], link["name"]))


def revert(s, given):
    if s.pcs_revert == "own_mode":
        yield "pcs_revert is own_mode: without us the inverter goes on as it likes"
    if s.pcs_revert == "none":
        yield "pcs_revert is none: without us the inverter holds its last power"


def check_board(settings, board):
    """Faults of board.json, as sentences; also when it is no object.

    Where contactors are ours each coil has an output and a feedback, and a module tells the
    current. An input that the configuration reads is there. All of these and the site's other
    outputs have pins of their own, and the outputs stay low during reset.
    """
    table = board.get("pins") if isinstance(board, dict) else None
    pins = table if isinstance(table, dict) else {}
    gpios = {name: row.get("gpio") for name, row in pins.items() if isinstance(row, dict)}
    coils, feedbacks = of_sets(settings, _COIL_PINS), of_sets(settings, _FEEDBACKS)
    needed = coils + feedbacks + [name for name in _SITE_INPUTS
                                  if getattr(settings, name + "_input") != "none"]
    outputs = [name for name in _SITE_OUTPUTS if name in gpios]
    faults = []
    for name in needed + outputs:
        gpio = gpios.get(name)
        others = [other for other in sorted(gpios) if other != name and gpios[other] == gpio]
        if not isinstance(gpio, int):
            faults.append("board.json: %s has no gpio (C12)" % name)
        elif others:
            faults.append("board.json: %s and %s share gpio %d (C12)" % (name, others[0], gpio))
    faults += _not_low(board, pins, gpios, coils + outputs)
    if coils and not devices_of(settings, MODULES):
        faults.append("contactors is %s, wanted: a module on a link that tells the current (C12)"
                      % settings.contactors)
    return faults


def of_sets(s, names):
    """Names of a set's pins for each contactor set that is ours: negative_coil, .._coil_2 ..."""
    if s.contactors == "none":
        return []
    found = list(names)
    sets = s.packs * (s.strings_p if s.contactors == "strings" else 1)
    for number in range(2, sets + 1):
        found += ["%s_%d" % (name, number) for name in names]
    return found


def _not_low(board, pins, gpios, outputs):
    """Outputs whose pin is not low while the chip resets, or that are on when it is."""
    chip = board.get("chip") if pins else None
    unsafe = _NOT_LOW[chip] if isinstance(chip, str) and chip in _NOT_LOW else ()
    for name in outputs:
        if gpios.get(name) in unsafe:
            yield "board.json: %s is gpio %d, wanted: one that stays low at reset (C12)" % (
                name, gpios[name])
        if name in gpios and pins[name].get("active", 1) != 1:
            yield "board.json: %s is active at a low level, wanted: 1 (C12)" % name
