"""The doors providers call us through."""
