"""Profiles from what others have measured: one module for each foreign format."""
