"""What travels with a bundle and gives a prediction its meaning. Standard library only."""
