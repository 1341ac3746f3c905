"""What happens when: journeys, their compiler and steps; effects are handed in."""
