"""City management (城市管理): grid, parts, events and their cases."""
