"""Overload: bad records, who throttles, storms, one hot person, floods: slower, but nothing lost.

Most scenarios are on the simulator (virtual time, several Lambdas at once). The flood and the
duplicates are on the local parts, which are some fifty times as fast: the real local system with
its worker, and the two handlers on SQLite in memory. `python -m tests.faults.overload` runs them
large.
"""
