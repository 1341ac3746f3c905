"""The oracle: memberships kept event by event, compared with what SQL says of the whole history."""
