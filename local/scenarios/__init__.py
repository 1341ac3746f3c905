"""Scenarios: what a marketer expects of a journey, written down and tried in virtual time."""
