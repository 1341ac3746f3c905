"""Codes: what a shop takes money off for, one for each person."""
