"""How orders of channels reach providers; nothing here knows what they say."""
