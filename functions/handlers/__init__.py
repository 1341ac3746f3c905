"""The edge: one thin file per Lambda, named verb_noun."""
