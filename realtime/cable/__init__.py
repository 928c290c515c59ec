"""The language of the cable: Action Cable's two dialects, parsed and encoded; nothing here touches a network."""
