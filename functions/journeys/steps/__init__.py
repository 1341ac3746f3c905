"""The step types, one file each, found by looking into this folder."""
