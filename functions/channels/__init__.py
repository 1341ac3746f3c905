"""How a message goes, one file per channel."""
