"""A stage in memory and in virtual time, on which the real handlers run."""
