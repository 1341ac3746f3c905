"""The reference journey: the text of shared/reference-journey.yaml."""

JOURNEY = """\
title: Reference journey of twelve steps
purpose: product tips
enter when: {event: Signed Up}
once per: person
leave when: [{event: Account Deleted, as: deleted}]
steps:
  - send: one
  - wait: 2 days
  - send: two
  - wait for: {clicked: two}
    at most: 5 days
  - if: {clicked: two}
    then: [{update: {add tag: interested}}]
  - wait: 3 days
  - send: three
  - wait for: {event: Order Completed}
    at most: 7 days
  - if: {did: Order Completed, since: entry}
    then: [{end: bought}]
  - wait: 10 days
  - send: four
"""
