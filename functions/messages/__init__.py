"""May it go, in which words, once."""
