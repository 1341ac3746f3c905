"""The reference journey, shared/reference-journey.yaml, as far as its steps are built: `update` is
not."""

STEPS = """\
  - send: one
  - wait: 2 days
  - send: two
  - wait for: {clicked: two}
    at most: 5 days
  - if: {clicked: two}
  - wait: 3 days
  - send: three
  - wait for: {event: Order Completed}
    at most: 7 days
  - if: {did: Order Completed, since: entry}
    then: [{end: bought}]
  - wait: 10 days
  - send: four
"""
