"""The live terminal view: one snapshot of the controller as rich renderables."""

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

WIDTH = 100
_MODE_STYLE = {"CHARGE": "black on green", "DISCHARGE": "black on cyan", "IDLE": "black on white",
               "STANDBY": "black on yellow", "EMERGENCY": "bold white on red",
               "MAINTENANCE": "black on magenta"}
_LEVEL_STYLE = {"INFO": "", "WARNING": "yellow", "TRIP": "bold yellow", "EMERGENCY": "bold red"}
_LINK_STYLE = {"UP": "green", "SILENT": "bold yellow", "DOWN": "bold red"}
_LINK_COUNTS = ("L_ANSWERED", "L_TIMEOUTS", "L_FRAME_ERRORS", "L_EXCEPTIONS")
_EVENTS = 8
_BAR, _GAUGE = 14, 41
# name, point, word and colour when positive, when negative
_FLOWS = (
    ("solar", "PV_W", ("feeds in", "yellow"), ("takes", "yellow")),
    ("battery", "BATTERY_W", ("discharges", "cyan"), ("charges", "green")),
    ("grid", "GRID_W", ("imports", "red"), ("exports", "blue")),
    ("house", "LOAD_W", ("draws", "magenta"), ("feeds", "magenta")),
)


def kw(watts):
    """'1.50 kW', '?' when unknown."""
    return "?" if watts is None else f"{watts / 1000:.2f} kW"


def direction(watts):
    """'charge 2.94 kW' of a battery power."""
    if not watts:
        return kw(watts)
    return f"{'discharge' if watts > 0 else 'charge'} {kw(abs(watts))}"


def percent(per_mille):
    return "?" if per_mille is None else f"{per_mille / 10:.1f} %"


def amps(milliamps):
    return "?" if milliamps is None else f"{milliamps / 1000:.1f} A"


def tenth(value):
    return "?" if value is None else f"{value / 10:.1f}"


def span(seconds):
    """'7 s', '3 min', '2:05 h'."""
    if seconds is None:
        return "?"
    if seconds < 100:
        return f"{seconds} s"
    minutes = seconds // 60
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60}:{minutes % 60:02d} h"


def bar(part, width, style):
    """A bar of `width` cells, filled by `part` 0..1."""
    filled = round(max(0, min(1, part)) * width)
    text = Text("━" * filled, style=style)
    return text.append("╌" * (width - filled), style="bright_black")


def flow(row, watts, most_w):
    """Cells of one line: name, arrow into or out of the AC bus, power, word."""
    name, _, plus, minus = row
    if watts is None:
        return Text(name), Text("unknown", style="bright_black"), Text("?"), Text("")
    word, style = plus if watts >= 0 else minus
    into_bus = (watts > 0) != (name == "house")
    line = bar(abs(watts) / most_w, _BAR, style)
    if abs(watts) < 10:
        word, line = "", line.append("  ")
    elif into_bus:
        line.append(" ▶", style=style)
    else:
        line = Text("◀ ", style=style).append_text(line)
    return Text(name), line, Text(kw(abs(watts))), Text(word, style=style)


def flows(site):
    """The power flows, seen from the site's AC bus: ▶ into it, ◀ out of it."""
    table = Table.grid(padding=(0, 1))
    table.add_column(width=7)
    table.add_column(width=_BAR + 2)
    table.add_column(justify="right", width=8)
    table.add_column()
    most_w = max(site["CHARGE_W_RATED"] or 0, site["DISCHARGE_W_RATED"] or 0, 1)
    for row in _FLOWS:
        table.add_row(*flow(row, site[row[1]], most_w))
    return Panel(table, title="power  (▶ into the AC bus)", title_align="left", width=47)


def gauge(site):
    """The window between the ratings with the command in it: ···━━━━█━━━━···"""
    most_w = max(site["CHARGE_W_RATED"] or 0, site["DISCHARGE_W_RATED"] or 0, 1)

    def cell(watts):
        place = round(((watts or 0) / most_w + 1) / 2 * (_GAUGE - 1))
        return max(0, min(_GAUGE - 1, place))

    cells = [("·", "bright_black")] * _GAUGE
    for i in range(cell(site["LO_W"]), cell(site["HI_W"]) + 1):
        cells[i] = ("━", "green" if i < _GAUGE // 2 else "cyan")
    cells[_GAUGE // 2] = ("┼", "white")
    cells[cell(site["COMMAND_W"])] = ("█", "bold white")
    return Text.assemble(*cells)


def limit(watts, reason):
    at_most = kw(None if watts is None else abs(watts))
    return Text.assemble(("≤ " + at_most, "bold"), "  limited by ", (str(reason), "bold"))


def decision(site):
    """Command, who asked for it, and what bounds each side."""
    left_s = site["REQUEST_LEFT_S"]
    until = "" if left_s is None else f", {span(left_s)} left"
    table = Table.grid(padding=(0, 1))
    table.add_column(width=9, style="bright_black")
    table.add_column(no_wrap=True)
    table.add_row("command", Text(direction(site["COMMAND_W"]), style="bold"))
    table.add_row("asked by", Text.assemble((str(site["OWNER"]), "bold"),
                                            f": {direction(site['WISH_W'])}{until}"))
    table.add_row("charge", limit(site["LO_W"], site["LO_REASON"]))
    table.add_row("discharge", limit(site["HI_W"], site["HI_REASON"]))
    return Panel(Group(table, gauge(site)),
                 title="decision", title_align="left", width=WIDTH - 47)


def head(site):
    """Mode, phase, state of charge, and what is wrong."""
    soc_pm = site["SOC_PM"]
    style = "red" if (soc_pm or 0) < 150 else "green"
    line = Text.assemble(
        (f" {site['MODE']} ", _MODE_STYLE.get(site["MODE"], "")), f" {site['PHASE']:9} battery ")
    line.append_text(bar((soc_pm or 0) / 1000, 30, style)).append(f" {percent(soc_pm)}")
    if not site["CAUSES"] and not site["TRIPS"]:
        return line
    return Group(line, Text(wrong(site), style="bold red"))


def wrong(site):
    """What keeps the pack from running, 'latched: INPUT  trips: PCS_SILENT'."""
    parts = [("latched, needs a reset", site["CAUSES"]), ("trips", site["TRIPS"])]
    return "   ".join(f"{name}: {' '.join(words)}" for name, words in parts if words)


def grid_of(columns):
    """An empty table: (title, justify) for each column."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bright_black")
    for title, justify in columns:
        table.add_column(title, justify=justify, no_wrap=True)
    return table


def battery(site, modules):
    """The modules; a silent one is red."""
    table = grid_of((("", "right"), ("SoC", "right"), ("current", "right"), ("cells mV", "right"),
                     ("°C", "right"), ("age", "right")))
    for number, row in enumerate(modules, 1):
        cells = f"{number_or(row['M_CELL_MV_MIN'])}-{number_or(row['M_CELL_MV_MAX'])}"
        table.add_row(str(number), percent(row["M_SOC_PM"]), amps(row["M_CURRENT_MA"]), cells,
                      tenth(row["M_CELL_DC_MAX"]), f"{tenth(row['M_AGE_DS'])} s",
                      style="" if row["M_LIVE"] else "bold red")
    title = f"modules, {number_or(site['MODULES_LIVE'])} of {len(modules)} live"
    return Panel(table, title=title, title_align="left", width=47)


def number_or(value):
    return "?" if value is None else str(value)


def links(rows, names):
    """The links with their names, ages and errors (bad: frames, exc: Modbus exceptions)."""
    table = grid_of((("", "left"), ("", "left"), ("age", "right"), ("answers", "right"),
                     ("time-outs", "right"), ("bad", "right"), ("exc", "right")))
    for number, row in enumerate(rows):
        name = names[number] if number < len(names) else str(number + 1)
        table.add_row(
            name[:9], Text(row["L_STATE"], style=_LINK_STYLE.get(row["L_STATE"], "")),
            f"{tenth(row['L_AGE_DS'])} s", *[number_or(row[key]) for key in _LINK_COUNTS])
    return Panel(table, title="links", title_align="left", width=WIDTH - 47)


def events(rows):
    """The last events, newest first."""
    table = grid_of((("", "right"), ("", "left"), ("", "left"), ("", "left")))
    table.show_header = False
    for row in rows[:_EVENTS]:
        style = _LEVEL_STYLE.get(row["E_LEVEL"], "")
        table.add_row(f"{span(row['E_AGE_S'])} ago", Text(row["E_LEVEL"], style=style),
                      Text(row["E_ID"], style=style), row["E_TEXT"])
    return Panel(table, title="events, newest first", title_align="left", width=WIDTH)


def beside(left, right):
    row = Table.grid()
    row.add_row(left, right)
    return row


def screen(data, foot):
    """The whole view of one snapshot; `foot` is shown below it."""
    site = data["site"]
    health = (f"up {span(site['UPTIME_S'])}, longest tick {number_or(site['TICK_US'])} µs, "
              f"late {number_or(site['TICKS_LATE'])}, heap free "
              f"{number_or(site['HEAP_FREE_KB'])} KiB, contactors opened under load "
              f"{number_or(site['OPENINGS'])} times")
    return Group(
        head(site),
        beside(flows(site), decision(site)),
        beside(battery(site, data["modules"]), links(data["links"], data["names"])),
        events(data["events"]),
        Text(health, style="bright_black"),
        Text(foot, style="bright_black"),
    )


def plain(data):
    """One line for logs."""
    site = data["site"]
    wrong = "".join(f" {key.lower()}={','.join(site[key])}"
                    for key in ("CAUSES", "TRIPS") if site[key])
    return (f"mode={site['MODE']} phase={site['PHASE']} soc={percent(site['SOC_PM'])} "
            f"battery_w={site['BATTERY_W']} grid_w={site['GRID_W']} pv_w={site['PV_W']} "
            f"load_w={site['LOAD_W']} command_w={site['COMMAND_W']} by={site['OWNER']} "
            f"lo_w={site['LO_W']}:{site['LO_REASON']} hi_w={site['HI_W']}:{site['HI_REASON']} "
            f"modules={site['MODULES_LIVE']}/{site['MODULES']} events={site['EVENT_COUNT']}"
            + wrong)
