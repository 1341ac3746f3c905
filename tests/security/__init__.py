"""What each surface must withstand: a test that tries, for every row of the list of threats."""
