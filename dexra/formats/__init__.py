"""How people read dates and numbers here."""
