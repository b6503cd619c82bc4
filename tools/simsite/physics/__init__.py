"""What happens on the site. Pure: no I/O, no clock, time comes as `step(dt_s)`."""
