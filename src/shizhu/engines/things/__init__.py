"""Things (感知): SensorThings entities, device profiles and credentials, observations, latest values, rollups."""
