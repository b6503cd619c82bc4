"""Starts the controller. Ctrl-C is a safe stop: power to zero, contactors open, then the REPL."""

from bess import app

run = app.make()
del app         # only the start needs it
run()
