"""Importing CSV files: from the cells of a file to ordinary events."""
