"""What a journey would do to a population."""
