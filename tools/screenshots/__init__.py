"""Pictures of the trading desk; the only tools that use the doubles of the tests."""
