"""Sales: who takes a person, what was agreed, and how deals stand; pure."""
