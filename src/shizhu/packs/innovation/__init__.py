"""Innovation (科技创新): declarations, tests."""
