"""English, with times that can be compared at a glance."""
