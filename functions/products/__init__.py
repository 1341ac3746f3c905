"""Products: what is sold, which are bought by the same people, and what to suggest to whom."""
