"""The permitted transitions. Written by tools/modes.py from modes.tsv."""

# bit n of byte m: mode n may follow mode m
NEXT = bytes((56, 29, 27, 55, 33, 17))
