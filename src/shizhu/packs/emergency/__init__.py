"""Emergency management (应急): plans that run, teams, stores, shelters and what lies in the stores."""
