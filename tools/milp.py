"""The planner's problem as a mixed-integer program, and the cost of a plan in floating point.

The independent reference of tests and bench: it shares nothing with the firmware but the words of
docs/planner.md. Binaries keep a slot from importing and exporting, and from charging and
discharging, at once; without them the solver would earn money that no meter pays.
"""

POWER_KW = 0.002                # what a limit may be missed by
ENERGY_KWH = 0.002


def limits(scenario):
    """(hours, export kW, charge kW, discharge kW, floor kWh) of each slot, as lists."""
    n, pack, grid = scenario["n"], scenario["battery"], scenario["grid"]
    hours = [scenario["slot_minutes"] / 60] * n
    hours[0] = scenario["first_slot_minutes"] / 60
    export = grid["export_max_kw"]
    export = export if isinstance(export, list) else [export] * n
    charge, discharge, floor = [], [], []
    reach = pack["soc_init_kwh"]
    for t in range(n):
        net = scenario["load_kw"][t] - scenario["pv_kw"][t]
        room = (grid["import_max_kw"] if scenario["rules"]["grid_charge"] else 0) - net
        charge.append(min(pack["charge_max_kw"], max(0, room)))
        out = min(pack["discharge_max_kw"], scenario["load_kw"][t] + export[t])
        if not scenario["rules"]["battery_export"]:
            out = min(out, max(0, net))
        discharge.append(out)
        reach = min(pack["soc_max_kwh"], reach + hours[t] * pack["eta_charge"] * charge[t])
        wanted = max(pack["soc_min_kwh"], scenario["reserve_kwh"][t],
                     scenario["terminal"]["min_kwh"] if t == n - 1 else 0)
        floor.append(min(wanted, reach))
    return hours, export, charge, discharge, floor


def judge(scenario, battery_kw, curtail_kw):
    """(cost, faults) of a plan, battery + charges."""
    pack, grid, rules = scenario["battery"], scenario["grid"], scenario["rules"]
    hours, export, charge, discharge, floor = limits(scenario)
    stored, cost, faults = pack["soc_init_kwh"], 0.0, []
    for t in range(scenario["n"]):
        battery, curtail = battery_kw[t], curtail_kw[t]
        net = scenario["load_kw"][t] - scenario["pv_kw"][t] + curtail + battery
        change = hours[t] * (battery * pack["eta_charge"] if battery > 0
                             else battery / pack["eta_discharge"])
        stored += change
        price = scenario["import_price"][t] if net > 0 else scenario["export_price"][t]
        cost += hours[t] * (price * net + grid["import_excess_cost"]
                            * max(0, net - grid["import_max_kw"]))
        cost += pack["wear_cost"] * abs(change)
        into = grid["import_max_kw"] if rules["grid_charge"] else 0
        for wrong, what in (
                (battery > charge[t] + POWER_KW, "charge"),
                (-battery > discharge[t] + POWER_KW, "discharge"),
                (not -POWER_KW <= curtail <= scenario["pv_kw"][t] + POWER_KW, "curtailment"),
                (-net > export[t] + POWER_KW, "export"),
                (battery > POWER_KW and net > into + 2 * POWER_KW, "import while charging"),
                (battery < -POWER_KW and net < -2 * POWER_KW and not rules["battery_export"],
                 "battery export"),
                (stored > pack["soc_max_kwh"] + ENERGY_KWH, "above soc_max_kwh"),
                (stored < floor[t] - ENERGY_KWH, "below the floor")):
            if wrong:
                faults.append((t, what))
    return cost - scenario["terminal"]["value"] * (stored - pack["soc_min_kwh"]), faults


def idle_cost(scenario):
    """Cost with the battery off and PV curtailed only as far as the export limit asks."""
    export = limits(scenario)[1]
    spare = [pv - load for load, pv in zip(scenario["load_kw"], scenario["pv_kw"])]
    least = [max(0.0, over - cap) for over, cap in zip(spare, export)]
    best = [max(least[t], min(scenario["pv_kw"][t], spare[t])) if scenario["export_price"][t] < 0
            else least[t] for t in range(scenario["n"])]
    best = [scenario["pv_kw"][t] if scenario["import_price"][t] < 0 else best[t]
            for t in range(scenario["n"])]
    off = [0.0] * scenario["n"]
    return min(judge(scenario, off, least)[0], judge(scenario, off, best)[0])


def build(scenario):
    """The PuLP problem."""
    import pulp

    n, pack, grid = scenario["n"], scenario["battery"], scenario["grid"]
    hours, export, charge, discharge, floor = limits(scenario)
    model = pulp.LpProblem("plan", pulp.LpMinimize)
    variable = model.add_variable
    cost, stored = [], pack["soc_init_kwh"]
    for t in range(n):
        load, pv = scenario["load_kw"][t], scenario["pv_kw"][t]
        most = load + charge[t]
        into = variable(f"into{t}", 0, charge[t])
        out = variable(f"out{t}", 0, discharge[t])
        bought = variable(f"bought{t}", 0, most)
        excess = variable(f"excess{t}", 0)
        sold = variable(f"sold{t}", 0, export[t])
        curtailed = variable(f"curtailed{t}", 0, pv)
        charging = variable(f"charging{t}", cat="Binary")
        buying = variable(f"buying{t}", cat="Binary")
        after = variable(f"after{t}", floor[t], max(pack["soc_max_kwh"], floor[t]))
        model += into <= charge[t] * charging
        model += out <= discharge[t] * (1 - charging)
        model += bought <= most * buying
        model += sold <= export[t] * (1 - buying)
        if not scenario["rules"]["grid_charge"]:
            model += bought <= most * (1 - charging)
        model += excess >= bought - grid["import_max_kw"]
        model += bought - sold == load - pv + curtailed + into - out
        stored_in = hours[t] * pack["eta_charge"] * into
        taken_out = hours[t] / pack["eta_discharge"] * out
        model += after == stored + stored_in - taken_out
        cost += [hours[t] * scenario["import_price"][t] * bought,
                 hours[t] * grid["import_excess_cost"] * excess,
                 -hours[t] * scenario["export_price"][t] * sold,
                 pack["wear_cost"] * stored_in, pack["wear_cost"] * taken_out]
        stored = after
    model += pulp.lpSum(cost) - scenario["terminal"]["value"] * (stored - pack["soc_min_kwh"])
    return model


def solver(name, seconds=60):
    """"cbc" or "highs", asked for the exact optimum."""
    import pulp

    if name == "cbc":
        return pulp.PULP_CBC_CMD(msg=0, gapRel=0, timeLimit=seconds)
    return pulp.HiGHS(msg=False, gapRel=1e-9, timeLimit=seconds)


def optimum(scenario, name="highs"):
    """Cost of the best plan; None when the solver did not prove one in time."""
    import pulp

    model = build(scenario)
    status = model.solve(solver(name))
    proven = status == pulp.LpStatusOptimal and model.sol_status == pulp.LpSolutionOptimal
    return pulp.value(model.objective) if proven else None
