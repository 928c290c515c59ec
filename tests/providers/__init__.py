"""Providers on the loopback: faithful in what they answer, and in how they fail."""
