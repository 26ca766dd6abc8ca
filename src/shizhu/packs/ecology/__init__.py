"""Environment monitoring (生态环境监测): declarations, simulated data, tests."""
