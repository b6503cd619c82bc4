"""The window: rules narrow it towards zero, each side remembers who did it."""

from bess.core.window import Window

RATING, SOC, HOT, COLD = 6, 14, 12, 11

NARROW = (
    # side, magnitude, lo, hi, lo why, hi why, reason
    ("charge", 3000, -3000, 4000, SOC, RATING, "a tighter limit decides"),
    ("charge", 5000, -5000, 4000, RATING, RATING, "an equal one does not"),
    ("charge", 9000, -5000, 4000, RATING, RATING, "a looser one changes nothing"),
    ("charge", 0, 0, 4000, SOC, RATING, "closed"),
    ("charge", -500, 0, 4000, SOC, RATING, "what would force a discharge only closes"),
    ("discharge", 100, -5000, 100, RATING, SOC, "the other side stays"),
    ("discharge", -1, -5000, 0, RATING, SOC, "what would force a charge only closes"),
)


def opened():
    window = Window()
    window.open(5000, 4000, RATING)
    return window


def test_narrow():
    for side, magnitude, lo_w, hi_w, lo_why, hi_why, reason in NARROW:
        window = opened()
        getattr(window, side)(magnitude, SOC)
        assert (window.lo_w, window.hi_w) == (lo_w, hi_w), reason
        assert (window.lo_why, window.hi_why) == (lo_why, hi_why), reason


def test_the_first_to_close_a_side_is_the_reason():
    window = opened()
    window.charge(2000, HOT)
    window.close(SOC)
    window.close(COLD)
    window.charge(3000, COLD)
    assert (window.lo_w, window.hi_w) == (0, 0)
    assert (window.lo_why, window.hi_why) == (SOC, SOC)


def test_a_new_tick_opens_it_again():
    window = opened()
    window.close(SOC)
    window.open(5000, 4000, RATING)
    assert (window.lo_w, window.hi_w, window.lo_why, window.hi_why) == (-5000, 4000, 6, 6)


def test_closed_before_the_first_tick():
    window = Window()
    assert window.lo_w == window.hi_w == window.nearest(1000) == 0


def test_nearest():
    window = opened()
    for wish_w, wanted_w in ((-9000, -5000), (-5000, -5000), (0, 0), (3999, 3999), (4001, 4000)):
        assert window.nearest(wish_w) == wanted_w


def test_before_it_is_opened_nothing_is_permitted():
    window = Window()
    assert (window.lo_w, window.hi_w, window.lo_why, window.hi_why) == (0, 0, 0, 0)
    assert window.nearest(5) == window.nearest(-5) == 0


def test_a_single_watt_is_permitted():
    window = Window()
    window.open(9, 9, 6)
    window.charge(1, 7)
    window.discharge(1, 8)
    assert (window.lo_w, window.hi_w, window.lo_why, window.hi_why) == (-1, 1, 7, 8)
