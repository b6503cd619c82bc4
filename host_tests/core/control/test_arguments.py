"""Wrong arguments of every call: ValueError with what is allowed, and nothing has changed."""

from bess.core.control.maintenance import NONE
from bess.core.control.modes import CHARGE
from host_tests.core.bench_pack import Bench

NO_NUMBERS = (None, 1.0, 1.5, "1", b"1", (), object())
HUGE = (10**30, -10**30)
ENTRY = (1, 7, 0, 0, CHARGE, -1000, 60, 1)
FLAG, NUMBER = 0, 1

CALLS = (
    # call, good arguments, position that is spoiled, kind, why
    ("set_mode", (3,), 0, NUMBER, "a code"),
    ("set_constant_power", (100, 5), 0, NUMBER, "watts"),
    ("set_constant_power", (100, 5), 1, NUMBER, "minutes"),
    ("start_charging", (800,), 0, NUMBER, "per mille"),
    ("start_discharging", (100, 5), 0, NUMBER, "watts"),
    ("start_discharging", (100, 5), 1, NUMBER, "minutes"),
    ("ask_remote", (100, 5000), 0, NUMBER, "watts"),
    ("ask_remote", (100, 5000), 1, NUMBER, "milliseconds"),
    ("get_schedule", (0,), 0, NUMBER, "an entry"),
    ("update_schedule", (0, ENTRY), 0, NUMBER, "an entry"),
    ("remove_schedule", (0,), 0, NUMBER, "an entry"),
    ("enable_schedule", (0, 1), 0, NUMBER, "an entry"),
    ("enable_schedule", (0, 1), 1, FLAG, "on or off"),
    ("enable_scheduling", (1,), 0, FLAG, "on or off"),
    ("set_authority", (True,), 0, FLAG, "local or not"),
    ("set_grid_connection", (2,), 0, NUMBER, "a type"),
    ("set_charge_params", (0, 0, 0, 0, 0, 0, 1), 0, NUMBER, "a method"),
    ("set_charge_params", (0, 0, 0, 0, 0, 0, 1), 2, NUMBER, "milliamperes"),
    ("set_charge_params", (0, 0, 0, 0, 0, 0, 1), 6, NUMBER, "0 or 1"),
    ("set_discharge_params", (0, 0, 0, 0, 0), 0, NUMBER, "watts"),
    ("set_discharge_params", (0, 0, 0, 0, 0), 4, NUMBER, "minutes"),
    ("register_callback", (-1, print), 0, NUMBER, "an event"),
    ("acknowledge", (-1,), 0, NUMBER, "a diagnosis"),
    ("test_power", (100,), 0, NUMBER, "watts"),
    ("test_contactor", (1,), 0, NUMBER, "coils"),
)


def raised(manager, name, arguments):
    """Text of the ValueError, None without one."""
    try:
        getattr(manager, name)(*arguments)
    except ValueError as fault:
        return str(fault)
    return None


def test_what_is_no_number_is_refused_with_what_is_allowed():
    manager = Bench().started().manager
    assert manager.add_schedule(ENTRY) == 0
    for name, good, at, kind, why in CALLS:
        for bad in NO_NUMBERS + HUGE + ((True, False) if kind == NUMBER else (2, -1)):
            arguments = list(good)
            arguments[at] = bad
            text = raised(manager, name, arguments)
            assert text is not None and "allowed" in text, (name, why, bad, text)
    assert manager.get_schedule(0) == (True, 7, 0, 0, CHARGE, -1000, 60, True)
    assert manager.requests.rank == 0 and manager.wishes.manual == 0 and not manager.local
    assert manager.test.kind == NONE and not manager.callbacks._rows


def test_fields_of_an_entry():
    manager = Bench().started().manager
    for at in range(len(ENTRY)):
        for bad in NO_NUMBERS + HUGE:
            fields = list(ENTRY)
            fields[at] = bad
            text = raised(manager, "add_schedule", (fields,))
            assert text is not None and "allowed" in text, (at, bad, text)
    for at in range(1, 7):
        fields = list(ENTRY)
        fields[at] = True
        assert raised(manager, "add_schedule", (fields,)), "only the first and the last are flags"
    for bad in NO_NUMBERS + (5, ENTRY[:-1], ENTRY + (0,)):
        for name, arguments in (("add_schedule", (bad,)), ("update_schedule", (3, bad))):
            text = raised(manager, name, arguments)
            assert text is not None and "repeat" in text, (name, bad, "the names are told")
    assert manager.get_schedule(0) is None and manager.get_schedule(3) is None


def test_lists_that_are_to_be_filled():
    manager = Bench().manager
    for name in ("status", "limits", "stats"):
        for bad in NO_NUMBERS + ([None] * 3,):
            text = raised(manager, name, (bad,))
            assert text is not None and "a list of" in text, (name, bad)
