"""What the devices say: registers made from the physics, served by pymodbus.

An independent protocol stack on purpose: nothing here is shared with the firmware.
"""
