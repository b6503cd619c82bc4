"""Links of a configuration: modules on a bus, inverter and meter on the network."""


def modules(count, kind="bess_module", **changes):
    """One bus with so many modules."""
    rows = []
    for n in range(1, count + 1):
        row = {"kind": kind, "unit": n, "module": n}
        row.update(changes)
        rows.append(row)
    return {"kind": "rtu", "name": "bus", "uart": 1, "devices": rows}


def tcp(kind, **changes):
    link = {"kind": "tcp", "name": kind[8:], "devices": [{"kind": kind}]}
    link.update(changes)
    return link


def site(count=1, kind="bess_module", meter=True, pcs=None, **changes):
    """Links with modules, an inverter and, mostly, a meter."""
    links = [modules(count, kind, **changes), tcp("sunspec_pcs", **(pcs or {}))]
    return links + [tcp("sunspec_meter")] if meter else links
