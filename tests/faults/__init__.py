"""The simulator: the real handlers over parts that fail, repeat and delay as a seed says."""
