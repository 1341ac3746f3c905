"""Who: conditions over a person, pure."""
