"""From the checked configuration to links with their devices: what is wired to what.

Only the products that the configuration names are imported.
"""

from bess.devices.link import Link
from bess.protocols.transactions import Transactions


def build(settings, manager):
    """The links of the configuration, in its order, devices attached to the manager's parts."""
    links = []
    for values in settings.links:
        transactions = Transactions(_framing(values["kind"]), timeout_ms=values["timeout_ms"])
        link = Link(values, transactions)
        for row in values["devices"]:
            transactions.add(MAKERS[row["kind"]](row, settings, manager))
            if row["kind"] == "sunspec_pcs":
                link.commands = True
                support = manager.packs[row["pack"] - 1].support
                if support:
                    from bess.devices.sunspec_curves import SunspecCurves
                    transactions.add(SunspecCurves(row["unit"], support))
        links.append(link)
    return links


def _framing(kind):
    if kind == "rtu":
        from bess.protocols.modbus_rtu import RtuClient
        return RtuClient()
    from bess.protocols.modbus_tcp import TcpClient
    return TcpClient()


def _bess_module(row, settings, manager):
    from bess.devices.bess_module import Module
    pack, number = _place(row, manager)
    return Module(row["unit"], number, pack, row["period_ms"] or 500,
                  latency_ms=row["latency_ms"])


def _jk_module(row, settings, manager):
    from bess.devices.jk_bms import JkModule
    pack, number = _place(row, manager)
    return JkModule(row["unit"], number, pack, row["period_ms"] or 1000, row["latency_ms"])


def _place(row, manager):
    """(pack, index there) of a module by its number in the site."""
    each, number = divmod(row["module"] - 1, manager.packs[0].pack.count)
    return manager.packs[each].pack, number


def _sunspec_pcs(row, settings, manager):
    from bess.devices.sunspec_pcs import SunspecPcs
    each = manager.packs[row["pack"] - 1]
    pcs = SunspecPcs(row["unit"], each.image, each.command, settings.w_rated,
                     settings.pcs_revert_ms, row["period_ms"] or 200)
    pcs.control.on_overruled = each.note_overruled
    return pcs


def _sunspec_meter(row, settings, manager):
    from bess.devices.sunspec_meter import SunspecMeter
    return SunspecMeter(row["unit"], manager.image, row["period_ms"] or 500, row["latency_ms"],
                        row["sign"])


def _sunspec_pv(row, settings, manager):
    from bess.devices.sunspec_pv import SunspecPv
    return SunspecPv(row["unit"], manager.image, row["period_ms"] or 1000, row["latency_ms"])


MAKERS = {"bess_module": _bess_module, "jk_bms": _jk_module, "sunspec_pcs": _sunspec_pcs,
           "sunspec_meter": _sunspec_meter, "sunspec_pv": _sunspec_pv}
