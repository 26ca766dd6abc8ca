"""River chiefs (河长): declarations, simulated data, tests."""
