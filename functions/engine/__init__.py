"""Runs compiled journeys in virtual time."""
