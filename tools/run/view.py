"""The live terminal view."""

from rich.columns import Columns
from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

_MODE_STYLE = {"CHARGE": "green", "DISCHARGE": "cyan", "IDLE": "white", "STANDBY": "yellow",
               "EMERGENCY": "bold white on red", "MAINTENANCE": "magenta"}
_LEVEL_STYLE = {"INFO": "", "WARNING": "yellow", "TRIP": "bold yellow", "EMERGENCY": "bold red"}


def kw(watts):
    """'1.50 kW', '?' when unknown."""
    return "?" if watts is None else f"{watts / 1000:.2f} kW"


def flow(name, watts, plus, minus):
    """One line: the name, an arrow in the direction of the power, the power."""
    if watts is None:
        return f"{name:8} ?"
    arrow, word = ("→", plus) if watts > 0 else ("←", minus) if watts < 0 else ("·", "")
    return f"{name:8} {arrow} {kw(abs(watts)):>9} {word}"


def flows(site):
    """The power flows with their direction, seen from the site's AC bus."""
    lines = [
        flow("grid", site["GRID_W"], "imports", "exports"),
        flow("solar", site["PV_W"], "feeds in", ""),
        flow("battery", site["BATTERY_W"], "discharges", "charges"),
        flow("load", site["LOAD_W"], "draws", ""),
    ]
    return Panel("\n".join(lines), title="power")


def decision(site):
    """Mode, command, who asked, and what bounds each side."""
    mode = Text(f"{site['MODE']} ({site['PHASE']})", style=_MODE_STYLE.get(site["MODE"], ""))
    left = site["REQUEST_LEFT_S"]
    until = f", {left} s left" if left is not None else ""
    lines = Text("\n").join([
        mode,
        Text(f"command   {kw(site['COMMAND_W'])}"),
        Text(f"asked by  {site['OWNER']}: {kw(site['WISH_W'])}{until}"),
        Text(f"charge    to {kw(-(site['LO_W'] or 0))}, limited by {site['LO_REASON']}"),
        Text(f"discharge to {kw(site['HI_W'])}, limited by {site['HI_REASON']}"),
        Text(f"causes    {' '.join(site['CAUSES'] or []) or '-'}"
             f"   trips {' '.join(site['TRIPS'] or []) or '-'}"),
    ])
    return Panel(lines, title="decision")


def battery(site, modules):
    """The pack and its modules."""
    table = Table(box=None, pad_edge=False)
    for column in ("module", "soc", "current", "cells mV", "°C", "age"):
        table.add_column(column, justify="right")
    for number, row in enumerate(modules, 1):
        style = "" if row["M_LIVE"] else "red"
        table.add_row(str(number), percent(row["M_SOC_PM"]), amps(row["M_CURRENT_MA"]),
                      f"{row['M_CELL_MV_MIN']}..{row['M_CELL_MV_MAX']}",
                      tenth(row["M_CELL_DC_MAX"]), f"{tenth(row['M_AGE_DS'])} s", style=style)
    title = f"battery {percent(site['SOC_PM'])}, {site['MODULES_LIVE']} of {site['MODULES']} live"
    return Panel(table, title=title)


def links(rows):
    """The links with age and error counts."""
    table = Table(box=None, pad_edge=False)
    for column in ("link", "state", "age", "sent", "answered", "time-outs", "errors"):
        table.add_column(column, justify="right")
    for number, row in enumerate(rows, 1):
        style = "" if row["L_STATE"] == "UP" else "red"
        table.add_row(str(number), row["L_STATE"], f"{tenth(row['L_AGE_DS'])} s",
                      str(row["L_SENT"]), str(row["L_ANSWERED"]), str(row["L_TIMEOUTS"]),
                      str(row["L_FRAME_ERRORS"]), style=style)
    return Panel(table, title="links")


def events(rows):
    """The last events, newest first."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for row in rows[:10]:
        table.add_row(f"{row['E_AGE_S']} s ago", row["E_ID"], str(row["E_DATA"]),
                      style=_LEVEL_STYLE.get(row["E_LEVEL"], ""))
    return Panel(table, title="events")


def percent(per_mille):
    return "?" if per_mille is None else f"{per_mille / 10:.1f} %"


def amps(milliamps):
    return "?" if milliamps is None else f"{milliamps / 1000:.1f} A"


def tenth(value):
    return "?" if value is None else f"{value / 10:.1f}"


def screen(data, endpoints):
    """The whole view of one snapshot."""
    site = data["site"]
    health = (f"tick {site['TICK_US']} µs, late {site['TICKS_LATE']}, "
              f"heap free {site['HEAP_FREE_KB']} KiB, up {site['UPTIME_S']} s")
    return Group(
        Columns([flows(site), decision(site)]),
        Columns([battery(site, data["modules"]), links(data["links"])]),
        events(data["events"]),
        Text(health, style="dim"),
        Text(endpoints, style="dim"),
    )


def plain(data):
    """One line for logs."""
    site = data["site"]
    return (f"mode={site['MODE']} phase={site['PHASE']} soc={percent(site['SOC_PM'])} "
            f"battery_w={site['BATTERY_W']} grid_w={site['GRID_W']} pv_w={site['PV_W']} "
            f"load_w={site['LOAD_W']} command_w={site['COMMAND_W']} by={site['OWNER']} "
            f"lo_w={site['LO_W']}:{site['LO_REASON']} hi_w={site['HI_W']}:{site['HI_REASON']} "
            f"modules={site['MODULES_LIVE']}/{site['MODULES']} events={site['EVENT_COUNT']}")
