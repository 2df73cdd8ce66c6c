"""What happens? The journeys of an installation; they decide, and the edges act."""
