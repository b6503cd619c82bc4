"""The simulated site: a battery, its inverter, the house, the sun and the meter, on real wires.

`physics/` is what happens, without I/O and with time handed in. `peers/` is what the devices say
about it, in Modbus. Floats are allowed here: nothing of this runs on the controller.
Signs are those of the project: what feeds the AC bus is positive, so battery_w > 0 discharges
and grid_w > 0 imports.
"""
