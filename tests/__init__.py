"""Everything Dexra promises, tried."""
