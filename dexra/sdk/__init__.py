"""The script that businesses put into their pages: as it was built, as it is kept, as it is served."""
