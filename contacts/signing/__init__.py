"""What is signed about people: where they unsubscribe, which session they have, and who a business says they are."""
