"""Who may do what through the doors, and what is written down of it: pure rules and records."""
