"""What the steps of a journey do, as run_step does it: a file for each kind of effect."""
