"""`profile run`: measuring what a running inference server sustains."""
