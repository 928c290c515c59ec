"""The composition root and the operator's house."""
