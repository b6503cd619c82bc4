"""The configuration: every fault named with key, what it got and what it wants, all at once."""

from bess.core.config import DEVICE_FIELDS, FIELDS, LINK_FIELDS, check


def link(**changes):
    values = {"kind": "rtu", "name": "bus", "uart": 1,
              "devices": [{"kind": "bess_module", "unit": 1}]}
    values.update(changes)
    return values


def devices(*rows):
    return [dict(kind=kind, unit=unit, module=module) for kind, unit, module in rows]


PAIR = devices(("bess_module", 1, 1), ("jk_bms", 2, 2))

FAULTS = (
    # configuration, words of its only fault, why
    ([], ("the configuration is list", "an object"), "no object"),
    (None, ("the configuration is NoneType",), "empty file read as null"),
    ({"w_rated": "5000"}, ("w_rated is '5000'", "a whole number 500..1000000 W"), "text"),
    ({"w_rated": 5000.0}, ("w_rated is 5000.0", "a whole number"), "a float"),
    ({"self_use": True}, ("self_use is True", "0..1"), "JSON true is no number"),
    ({"w_rated": None}, ("w_rated is None", "500..1000000 W"), "null"),
    ({"w_rated": 499}, ("w_rated is 499", "500..1000000 W"), "below the range"),
    ({"eta_pm": 1001}, ("eta_pm is 1001", "800..1000 0.1%"), "above the range"),
    ({"cells_s": 14}, ("cells_s is 14", "15..16"), "14 cells are not 48 V"),
    ({"contactors": "ours"}, ("contactors is 'ours'", "one of these: own, strings, none"),
     "misspelt"),
    ({"contactors": 1}, ("contactors is 1", "one of these: own, strings, none"),
     "number for a word"),
    ({"name": "x" * 25}, ("name is 'xxx", "a text of 0..24 characters"), "long text"),
    ({"name": "x" * 99}, ("name is 'xxx", "...", "24"), "the answer stays short"),
    ({"soc_min_pm": 5}, ("soc_min_pm is unknown", "allowed: ", "soc_pm_min"), "typing error"),
    ({"soc_pm_min": 860}, ("soc_pm_min 860", "soc_pm_max 950", "at least 100 apart"), "pair"),
    ({"w_rated": 4999, "charge_w_max": 0}, ("discharge_w_max is 5000", "at most w_rated 4999"),
     "more than the rating"),
    ({"fade_after_ms": 2000, "module_silent_ms": 2000}, ("module_silent_ms < fade_after_ms",
                                                         "2000, 2000, 60000"), "order of times"),
    ({"modules_s": 5, "strings_p": 4}, ("modules_s * strings_p * packs is 20", "at most 16"),
     "too many"),
    ({"links": {}}, ("links is {}", "a list of 0..8 entries"), "no list"),
    ({"links": [link()] * 9}, ("links is [", "0..8"), "nine links"),
    ({"links": [7]}, ("links[0] is 7", "an object"), "no object"),
    ({"links": [{"devices": PAIR}], "strings_p": 2}, ("links[0].kind is missing",
                                                      "one of these: rtu, tcp"), "missing"),
    ({"links": [link(bauds=9600)]}, ("links[0].bauds is unknown", "baud"), "typing error"),
    ({"links": [link(devices=[])]}, ("links[0].devices is []", "a list of 1..16"), "empty link"),
    ({"links": [link(devices=[3])]}, ("links[0].devices[0] is 3", "an object"), "no object"),
    ({"links": [link(devices="no")]}, ("links[0].devices is 'no'", "a list"), "text"),
    ({"links": [link(devices=devices(("bms", 1, 1)))]},
     ("links[0].devices[0].kind is 'bms'", "bess_module", "sunspec_pv"), "unknown product"),
    ({"links": [link(devices=[{"kind": "bess_module", "sign": 0}])]},
     ("links[0].devices[0].sign is 0", "one of these: -1, 1"), "a meter that always shows 0"),
    ({"links": [link(devices=devices(("bess_module", 0, 1)))]},
     ("link bus: unit 0", "1..247"), "broadcast"),
    ({"links": [link(devices=devices(("bess_module", 1, 2)))]},
     ("modules are numbered [2]", "1..1, each once"), "a module is missing"),
    ({"links": [link(devices=devices(("bess_module", 1, 1), ("bess_module", 2, 1)))],
      "strings_p": 2}, ("modules are numbered [1, 1]", "1..2"), "the same number twice"),
    ({"links": [link(devices=devices(("bess_module", 3, 1), ("bess_module", 3, 2)))],
      "strings_p": 2}, ("link bus: units [3, 3]", "each only once"), "two with one address"),
    ({"links": [link(), link(name="b2", devices=devices(("sunspec_pcs", 9, 1)))]},
     ("link b2: uart 1 is taken",), "two links on one UART"),
    ({"links": [link(devices=devices(("bess_module", 1, 1), ("sunspec_pcs", 2, 1),
                                     ("sunspec_pcs", 3, 1)))]},
     ("packs [1, 1]", "1..1, each once"), "two inverters for one pack"),
    ({"packs": 2, "strings_p": 1, "links": [link(devices=devices(
        ("bess_module", 1, 1), ("bess_module", 4, 2), ("sunspec_pcs", 2, 1)))]},
     ("packs [1]", "1..2, each once"), "a pack without an inverter"),
    ({"links": [link(devices=[{"kind": "bess_module", "period_ms": 1000}])]},
     ("module_silent_ms is 2000", "at least 3000", "polls of 1"), "polled too seldom"),
)

GOOD = (
    ({}, "nothing but defaults"),
    ({"links": []}, "no links"),
    ({"links": [link()]}, "a module"),
    ({"links": [link(devices=PAIR)], "strings_p": 2, "module_silent_ms": 3000}, "two products"),
    ({"links": [link(), link(kind="tcp", devices=devices(("sunspec_pcs", 0, 1)))]},
     "unit 0 is usual on TCP, and needs no UART"),
    ({"links": [link(devices=[{"kind": "bess_module", "period_ms": 0, "sign": -1}])]},
     "0 = the product's default, though below the range"),
    ({"links": [link(devices=[{"kind": "bess_module", "period_ms": 1000}])],
      "module_silent_ms": 3000}, "three polls fit"),
    ({"w_rated": 1_000_000, "charge_w_max": 0, "discharge_w_max": 0}, "ends of ranges"),
)


def test_each_fault_is_named():
    for data, words, why in FAULTS:
        settings, faults = check(data)
        assert len(faults) == 1, (why, faults)
        for word in words:
            assert word in faults[0], (why, word, faults[0])


def test_every_fault_leads_to_the_safe_defaults():
    for data, words, why in FAULTS:
        settings = check(data)[0]
        assert settings.links == [], why
        for row in FIELDS:
            assert getattr(settings, row[0]) == row[4], (why, row[0])
        assert settings.start_at_boot == 0 and settings.modbus_write == "none"
        assert settings.contactors == "own"


def test_good_ones():
    for data, why in GOOD:
        settings, faults = check(data)
        assert faults == [], (why, faults)
        for key in data:
            if key != "links":
                assert getattr(settings, key) == data[key], why
        assert len(settings.links) == len(data.get("links", [])), why


def test_all_faults_at_once():
    faults = check({"w_rated": -1, "eta_pm": "x", "spam": 1, "links": [
        {"kind": "can", "uart": 9, "devices": [{"kind": "bess_module", "unit": 999, "eggs": 2}]},
        3]})[1]
    text = "\n".join(faults)
    for key in ("w_rated", "eta_pm", "spam", "links[0].kind", "links[0].uart", "links[1]",
                "links[0].devices[0].unit", "links[0].devices[0].eggs"):
        assert key in text, (key, text)
    assert len(faults) == 8, text


# a rack of 4 modules in series that shall give 100 kW: twice C5 and C6 whatever else is wrong
RACK = {"modules_s": 4, "module_wh_rated": 16_100, "w_rated": 100_000, "charge_w_max": 100_000,
        "discharge_w_max": 100_000, "ramp_up_pm": 1}
BOTH = (
    # besides, what begins a sentence about it, checks that are named all the same, why
    ({}, None, ("C5", "C6", "C14"), "nothing else"),
    ({"eta_pm": 700}, "eta_pm is 700", ("C5", "C6", "C14"), "a number out of its range"),
    ({"eta_pm": "x"}, "eta_pm is 'x'", ("C5", "C6", "C14"), "no number"),
    ({"spam": 1}, "spam is unknown", ("C5", "C6", "C14"), "a word that nobody knows"),
    ({"links": 3}, "links is 3", ("C5", "C6", "C14"), "no links at all"),
    ({"links": [{"kind": "rtu", "uart": 9, "devices": [{"kind": "jk_bms"}]}]}, "links[0].uart",
     ("C5", "C6", "C14"), "a link that is wrong is not judged further"),
    ({"discharge_w_max": -1}, "discharge_w_max is -1", ("C5", "C14"),
     "nothing follows from a value that is wrong by itself"),
)


def test_faults_of_fields_hide_none_between_them():
    for more, begins, checks, why in BOTH:
        data = dict(RACK)
        data.update(more)
        faults = check(data)[1]
        found = [fault[fault.rfind("(") + 1:-1] for fault in faults if fault.endswith(")")]
        assert tuple(sorted(set(found), key=lambda c: int(c[1:]))) == checks, (why, faults)
        others = [fault for fault in faults if not fault.endswith(")")]
        assert len(others) == (begins is not None), (why, others)
        assert begins is None or others[0].startswith(begins), (why, others)


def test_all_faults_between_fields_at_once():
    faults = check({"soc_pm_min": 900, "w_rated": 500, "strings_p": 16, "modules_s": 16,
                    "all_silent_ms": 10_000, "fade_after_ms": 40_000})[1]
    assert len(faults) == 5, faults


def test_links_carry_their_defaults():
    settings = check({"links": [link()]})[0]
    assert settings.links[0]["baud"] == 115_200 and settings.links[0]["timeout_ms"] == 300
    assert settings.links[0]["devices"][0]["sign"] == 1


def test_rated_energy():
    settings = check({"modules_s": 4, "strings_p": 3, "module_wh_rated": 16_100})[0]
    assert settings.energy_wh_rated == 193_200


def test_the_table_is_sound():
    for table in (FIELDS, LINK_FIELDS, DEVICE_FIELDS):
        for i in range(len(table)):
            key, kind, low, high, default, unit, text = table[i]
            assert text and key not in [row[0] for row in table[:i]], key
            if high is None:
                assert default is None or default in low, key
            elif kind == "int" and default:
                assert low <= default <= high, key
            if unit in ("W", "ms", "mA", "Wh"):
                assert "_" + unit.lower() + "_" in "_" + key + "_", (key, "unit in the name")


def test_the_callers_data_is_left_alone():
    data = {"links": [link()], "w_rated": 6000}
    before = repr(sorted(data["links"][0]))
    check(data)
    assert repr(sorted(data["links"][0])) == before and sorted(data) == ["links", "w_rated"]
