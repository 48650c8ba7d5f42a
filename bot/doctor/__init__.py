"""`python -m bot doctor`: what is wrong with an installation, and what to click or set."""
