"""What happens when: journeys, their compiler and their steps, pure but for the effects handed in."""
